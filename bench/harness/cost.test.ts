import { expect, test } from "vitest";
import { costTable } from "./cost.ts";
import type { Measurement } from "./rounds.ts";

function measured(name: string, rounds: readonly [rate: number, cpuUs: number][]): Measurement {
  const slices = rounds.map(([callsPerSecond, cpuUs]) => {
    return { callsPerSecond, p50Ms: 1, p99Ms: 2, clientCpuUs: cpuUs, serverCpuUs: 100 };
  });
  return { pair: { name, contender: "a" }, concurrency: 128, slices };
}

test("each pair is compared with the first one, in the same round", () => {
  const table = costTable([
    measured("no chain", [
      [1_000, 200],
      [100, 900],
    ]),
    measured("full", [
      [800, 250],
      [80, 950],
    ]),
    measured("other", [
      [1_100, 190],
      [110, 890],
    ]),
  ]);
  expect(table.split("\n").slice(2)).toEqual([
    "| no chain | 550 | 1.00 | 1.00 | 2.00 | (550) | (100) |",
    "| full | 440 | 0.80 | 1.00 | 2.00 | +50.0 | +0 |",
    "| other | 605 | 1.10 | 1.00 | 2.00 | −10.0 | +0 |",
  ]);
});
