import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { metadataOf } from "../src/testing/client-call.ts";
import { rawClient, rawServer } from "../src/testing/raw-server.ts";
import { call, mended, serviceConfig } from "./support.ts";

const retryPolicy = {
  maxAttempts: 4,
  initialBackoff: "10s",
  maxBackoff: "10s",
  backoffMultiplier: 1,
  retryableStatusCodes: [status.UNAVAILABLE],
};

test("an unreadable pushback makes grpc-js retry at once, where gRFC A6 says not to retry", async () => {
  let attempts = 0;
  await using server = await rawServer({
    Get: (stream) => {
      attempts += 1;
      const metadata = metadataOf({ "grpc-retry-pushback-ms": "soon" });
      stream.emit("error", { code: status.UNAVAILABLE, details: "not now", metadata });
    },
  });
  using client = rawClient(server.target, serviceConfig({ retryPolicy }));
  await call(client, "Get", { deadline: Date.now() + 2_000 });
  expect(attempts, mended("unreadable pushback retries at once", "client/retry.ts's own reading of it")).toBe(4);
});
