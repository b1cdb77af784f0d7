import type { Counter, Histogram, MeterProvider, MetricOptions } from "@opentelemetry/api";

/** Upper bounds in seconds. The SDK's own begin at 5, for milliseconds: nearly every call would be in the first bucket. Source: gRFC A66. */
const LATENCY = [
  [0, 0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01],
  [0.013, 0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8],
  [1, 2, 5, 10, 20, 50, 100],
].flat();
/** Upper bounds in bytes: 0, 1 KiB to 4 KiB doubling, then four times as much each. Source: gRFC A66. */
const SIZE = [0, 2 ** 10, 2 ** 11, ...Array.from({ length: 11 }, (_, i) => 2 ** (12 + 2 * i))];
/** Source: gRFC A96. */
const ATTEMPTS = [1, 2, 3, 4, 5];

const seconds: MetricOptions = { unit: "s", advice: { explicitBucketBoundaries: LATENCY } };
const bytes: MetricOptions = { unit: "By", advice: { explicitBucketBoundaries: SIZE } };

/** What gRFC A66 and A96 say of each metric. */
const KNOWN: Readonly<Record<string, MetricOptions>> = {
  "grpc.client.attempt.started": { unit: "{attempt}" },
  "grpc.client.attempt.duration": seconds,
  "grpc.client.attempt.sent_total_compressed_message_size": bytes,
  "grpc.client.attempt.rcvd_total_compressed_message_size": bytes,
  "grpc.client.call.duration": seconds,
  "grpc.client.call.retries": { unit: "{retry}", advice: { explicitBucketBoundaries: ATTEMPTS } },
  "grpc.client.call.hedges": { unit: "{hedge}", advice: { explicitBucketBoundaries: ATTEMPTS } },
  "grpc.client.call.retry_delay": seconds,
  "grpc.server.call.started": { unit: "{call}" },
  "grpc.server.call.duration": seconds,
  "grpc.server.call.sent_total_compressed_message_size": bytes,
  "grpc.server.call.rcvd_total_compressed_message_size": bytes,
};

/** The counters and histograms of one SDK, each made when it is first used. */
export class Instruments {
  readonly #counters = new Map<string, Counter>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #meter: ReturnType<MeterProvider["getMeter"]>;

  constructor(provider: MeterProvider) {
    this.#meter = provider.getMeter("@holdfast/rpc");
  }

  counter(name: string): Counter {
    const counter = this.#counters.get(name) ?? this.#meter.createCounter(name, KNOWN[name]);
    this.#counters.set(name, counter);
    return counter;
  }

  histogram(name: string): Histogram {
    const histogram = this.#histograms.get(name) ?? this.#meter.createHistogram(name, KNOWN[name]);
    this.#histograms.set(name, histogram);
    return histogram;
  }
}
