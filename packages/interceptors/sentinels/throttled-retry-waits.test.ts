import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawClient, rawServer } from "../src/testing/raw-server.ts";
import { call, mended, serviceConfig } from "./support.ts";

const retryPolicy = {
  maxAttempts: 2,
  initialBackoff: "0.5s",
  maxBackoff: "0.5s",
  backoffMultiplier: 1,
  retryableStatusCodes: [status.UNAVAILABLE],
};
/** A fifth less than the backoff: its jitter. */
const SHORTEST_MS = 390;

test("a retry that the throttle forbids waits the whole backoff before it is given up", async () => {
  let attempts = 0;
  await using server = await rawServer({
    Get: (stream) => {
      attempts += 1;
      stream.emit("error", { code: status.UNAVAILABLE, details: "not now" });
    },
  });
  const config = serviceConfig({ retryPolicy }, { retryThrottling: { maxTokens: 1, tokenRatio: 0.1 } });
  using client = rawClient(server.target, config);
  const begin = performance.now();
  const { code } = await call(client, "Get");
  expect({ code, attempts }).toEqual({ code: status.UNAVAILABLE, attempts: 1 });
  const workaround = "client/retry-budget.ts, which decides before the wait";
  expect(performance.now() - begin, mended("a throttled retry waits", workaround)).toBeGreaterThan(SHORTEST_MS);
});
