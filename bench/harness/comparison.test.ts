import { expect, test } from "vitest";
import type { Slice } from "./bench.ts";
import { comparisonTables, ratioTo } from "./comparison.ts";
import type { Measurement } from "./rounds.ts";

function measured(name: string, rates: readonly number[]): Measurement {
  const slices = rates.map(
    (callsPerSecond): Slice => ({ callsPerSecond, p50Ms: 1, p99Ms: 12.34, clientCpuUs: 200, serverCpuUs: 100 }),
  );
  return { pair: { name, contender: name }, concurrency: 16, slices };
}

test("a ratio is taken within each round, so that a slow round counts for neither", () => {
  const reference = measured("other", [1_000, 10, 1_000]);
  const own = measured("own", [500, 5, 600]);
  expect(ratioTo(reference, own, ({ callsPerSecond }) => callsPerSecond)).toBe(0.5);
});

test("a table has a row for each pair, figures for each message of a call", () => {
  const [own, other] = [measured("own", [20, 30, 40]), measured("other", [60, 60, 60])];
  expect(comparisonTables([own, other], [other.pair], { plural: "messages", perCall: 100 }).split("\n")).toEqual([
    "16 at the same time:",
    "",
    "|  | messages/s (lowest to highest round) | of other | p50 ms | p99 ms | CPU µs/message: client | server |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    "| own | 3,000 (2,000 to 4,000) | 0.50 | 1.00 | 12.3 | 2.00 | 1.00 |",
    "| other | 6,000 (6,000 to 6,000) | 1.00 | 1.00 | 12.3 | 2.00 | 1.00 |",
  ]);
});
