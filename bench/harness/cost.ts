import type { Slice } from "./bench.ts";
import { ratioTo } from "./comparison.ts";
import { figure, markdownTable } from "./markdown.ts";
import type { Measurement } from "./rounds.ts";
import { median } from "./statistics.ts";

/** What is added to the base, round by round: the median of the differences. */
function addedTo(base: Measurement, { slices }: Measurement, of: (slice: Slice) => number): number {
  return median(
    slices.map((slice, round) => {
      const other = base.slices[round];
      return other === undefined ? Number.NaN : of(slice) - of(other);
    }),
  );
}

/** What each pair costs more than the first one, which is the one without interceptors. */
export function costTable(measurements: readonly Measurement[]): string {
  const head = ["", "calls/s", "of no chain", "p50 ms", "p99 ms", "CPU µs/call added: client", "server"];
  const [base] = measurements;
  if (base === undefined) return "";
  const rows = measurements.map((measurement) => {
    const { pair, slices } = measurement;
    const added = (of: (slice: Slice) => number) => {
      return base === measurement ? `(${figure(median(slices.map(of)))})` : signed(addedTo(base, measurement, of));
    };
    return [
      pair.name,
      figure(median(slices.map((slice) => slice.callsPerSecond))),
      figure(ratioTo(base, measurement, (slice) => slice.callsPerSecond)),
      figure(median(slices.map((slice) => slice.p50Ms))),
      figure(median(slices.map((slice) => slice.p99Ms))),
      added((slice) => slice.clientCpuUs),
      added((slice) => slice.serverCpuUs),
    ];
  });
  return markdownTable(head, rows);
}

function signed(value: number): string {
  return value < 0 ? `−${figure(-value)}` : `+${figure(value)}`;
}
