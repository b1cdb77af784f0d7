import { type Counter, type Histogram, metrics } from "@opentelemetry/api";
import type { CallRecord, SpanRecord, Telemetry } from "@holdfast/interceptors/server/telemetry";
import type { Logger } from "@holdfast/process";

/**
 * Metrics through OpenTelemetry's API, which does nothing until the process registers an SDK; one log line for each call. Spans go to
 * the log at level trace: they carry the ids that went on the wire, which the API would replace by its own.
 */
export function openTelemetry(log: Logger): Telemetry {
  const meter = metrics.getMeter("@holdfast/rpc");
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  return {
    span: (span: SpanRecord) => log.trace({ span }, "span"),
    count(name, labels, by = 1) {
      const counter = counters.get(name) ?? meter.createCounter(name);
      counters.set(name, counter);
      counter.add(by, labels);
    },
    record(name, value, labels) {
      const histogram = histograms.get(name) ?? meter.createHistogram(name);
      histograms.set(name, histogram);
      histogram.record(value, labels);
    },
    log: (record: CallRecord) => log[levelOf(record)]({ call: record }, "call"),
  };
}

/** The server's own line for each call is enough; health checks come every few seconds. */
function levelOf({ side, method }: CallRecord): "info" | "debug" {
  return side === "server" && !method.includes("grpc.") ? "info" : "debug";
}
