import { createLogger } from "@holdfast/process";
import { type ClientPart, client, openTelemetry } from "@holdfast/rpc";

/** What services/order asks the catalogue with, and its times. */
export function usualChain(): { timeoutMs: number; chain: ClientPart[] } {
  const telemetry = openTelemetry(createLogger({ service: "bench", level: "silent" }));
  const outer = [client.context(), client.callTelemetry({ telemetry }), client.errors(), client.deadline()];
  const limit = client.concurrencyLimit({ limit: 100, queue: { size: 100, maxWaitMs: 250 } });
  const inner = [client.breaker(), limit, client.attemptTimeout({ timeoutMs: 800 })];
  return {
    timeoutMs: 2_000,
    chain: [...outer, client.retry({ commitOn: "message" }), ...inner, client.attemptTelemetry({ telemetry })],
  };
}
