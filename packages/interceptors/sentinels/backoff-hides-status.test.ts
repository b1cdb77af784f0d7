import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawClient, rawServer } from "../src/testing/raw-server.ts";
import { call, mended, serviceConfig } from "./support.ts";

const retryPolicy = {
  maxAttempts: 2,
  initialBackoff: "10s",
  maxBackoff: "10s",
  backoffMultiplier: 1,
  retryableStatusCodes: [status.UNAVAILABLE],
};

test("a backoff longer than the deadline turns UNAVAILABLE into DEADLINE_EXCEEDED", async () => {
  let attempts = 0;
  await using server = await rawServer({
    Get: (stream) => {
      attempts += 1;
      stream.emit("error", { code: status.UNAVAILABLE, details: "not now" });
    },
  });
  using client = rawClient(server.target, serviceConfig({ retryPolicy }));
  const { code } = await call(client, "Get", { deadline: Date.now() + 800 });
  expect(attempts).toBe(1);
  const workaround = "client/retry.ts's check of the time left, instead of a retryPolicy";
  expect(code, mended("a long backoff hides the status", workaround)).toBe(status.DEADLINE_EXCEEDED);
});
