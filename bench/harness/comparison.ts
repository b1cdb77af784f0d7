import type { Slice } from "./bench.ts";
import { figure, markdownTable } from "./markdown.ts";
import type { Pair } from "./pair.ts";
import type { Measurement } from "./rounds.ts";
import { median, range } from "./statistics.ts";

/** How many times as much as the reference, round by round: the median of the ratios, since a round is shared. */
export function ratioTo(reference: Measurement, { slices }: Measurement, of: (slice: Slice) => number): number {
  return median(
    slices.map((slice, round) => {
      const other = reference.slices[round];
      return other === undefined ? Number.NaN : of(slice) / of(other);
    }),
  );
}

/** One table for each number of calls at the same time. */
export function comparisonTables(
  measurements: readonly Measurement[],
  references: readonly Pair[],
  /** What is counted: a stream of 100 messages is 100 of them. */
  unit: { plural: string; perCall: number },
): string {
  const concurrencies = [...new Set(measurements.map(({ concurrency }) => concurrency))];
  return concurrencies
    .map((concurrency) => {
      const shown = measurements.filter((each) => each.concurrency === concurrency);
      return `${concurrency} at the same time:\n\n${comparisonTable(shown, references, unit)}`;
    })
    .join("\n\n");
}

function comparisonTable(
  measurements: readonly Measurement[],
  references: readonly Pair[],
  { plural, perCall }: { plural: string; perCall: number },
): string {
  const found = references.flatMap((pair) => measurements.find((each) => each.pair === pair) ?? []);
  const one = plural.replace(/s$/, "");
  const head = [
    "",
    `${plural}/s (lowest to highest round)`,
    ...found.map(({ pair }) => `of ${pair.name}`),
    "p50 ms",
    "p99 ms",
    `CPU µs/${one}: client`,
    "server",
  ];
  const rows = measurements.map((measurement) => {
    const { pair, slices } = measurement;
    const of = (value: (slice: Slice) => number) => slices.map(value);
    const rates = of((slice) => slice.callsPerSecond * perCall);
    const [lowest, highest] = range(rates);
    return [
      pair.name,
      `${figure(median(rates))} (${figure(lowest)} to ${figure(highest)})`,
      ...found.map((reference) => figure(ratioTo(reference, measurement, (slice) => slice.callsPerSecond))),
      figure(median(of((slice) => slice.p50Ms))),
      figure(median(of((slice) => slice.p99Ms))),
      figure(median(of((slice) => slice.clientCpuUs / perCall))),
      figure(median(of((slice) => slice.serverCpuUs / perCall))),
    ];
  });
  return markdownTable(head, rows);
}
