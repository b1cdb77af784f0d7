import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawClient, rawServer } from "../src/testing/raw-server.ts";
import { call, mended, serviceConfig } from "./support.ts";

const hedgingPolicy = { maxAttempts: 4, hedgingDelay: "10s", nonFatalStatusCodes: [status.UNAVAILABLE] };

test("grpc-js' hedging goes on when the retry throttle is spent", async () => {
  let attempts = 0;
  await using server = await rawServer({
    Get: (stream) => {
      attempts += 1;
      stream.emit("error", { code: status.UNAVAILABLE, details: "not now" });
    },
  });
  const config = serviceConfig({ hedgingPolicy }, { retryThrottling: { maxTokens: 2, tokenRatio: 0.1 } });
  using client = rawClient(server.target, config);
  for (let calls = 0; calls < 5; calls += 1) await call(client, "Get");
  const workaround = "client/hedging.ts with client/retry-budget.ts, instead of a hedgingPolicy";
  expect(attempts, mended("hedging ignores throttling", workaround)).toBe(20);
});
