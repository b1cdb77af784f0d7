import { type MeterProvider, metrics } from "@opentelemetry/api";
import type { CallRecord, SpanRecord, Telemetry } from "@holdfast/interceptors/server/telemetry";
import type { Logger } from "@holdfast/process";
import { Instruments } from "./instruments.ts";

/**
 * Metrics through OpenTelemetry's API, which does nothing until the process registers an SDK; one log line for each call. Spans go to
 * the log at level trace: they carry the ids that went on the wire, which the API would replace by its own.
 */
export function openTelemetry(log: Logger): Telemetry {
  let known: { provider: MeterProvider; instruments: Instruments } | undefined;
  // Asked each time: what the API hands out before an SDK is registered stays without effect afterwards, too.
  const instruments = (): Instruments => {
    const provider = metrics.getMeterProvider();
    if (known?.provider !== provider) known = { provider, instruments: new Instruments(provider) };
    return known.instruments;
  };
  return {
    span: (span: SpanRecord) => log.trace({ span }, "span"),
    count: (name, labels, by = 1) => instruments().counter(name).add(by, labels),
    record: (name, value, labels) => instruments().histogram(name).record(value, labels),
    log: (record: CallRecord) => log[levelOf(record)]({ call: record }, "call"),
  };
}

/** The server's own line for each call is enough; health checks come every few seconds. */
function levelOf({ side, method }: CallRecord): "info" | "debug" {
  return side === "server" && !method.includes("grpc.") ? "info" : "debug";
}
