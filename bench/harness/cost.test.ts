import { expect, test } from "vitest";
import { costTable } from "./cost.ts";
import type { Measurement } from "./rounds.ts";

function measured(name: string, contender: string, rounds: readonly [rate: number, cpuUs: number][]): Measurement {
  const slices = rounds.map(([callsPerSecond, cpuUs]) => {
    return { callsPerSecond, p50Ms: 1, p99Ms: 2, clientCpuUs: cpuUs, serverCpuUs: 100 };
  });
  return { pair: { name, contender }, concurrency: 128, slices };
}

test("each pair is compared with the bare one of its own library, in the same round", () => {
  const table = costTable([
    measured("a, no chain", "a", [
      [1_000, 200],
      [100, 900],
    ]),
    measured("a, full", "a", [
      [800, 250],
      [80, 950],
    ]),
    measured("b, no chain", "b", [
      [500, 400],
      [500, 400],
    ]),
    measured("b, full", "b", [
      [250, 390],
      [250, 390],
    ]),
  ]);
  expect(table.split("\n").slice(2)).toEqual([
    "| a, no chain | 550 | 1.00 | 1.00 | 2.00 | (550) | (100) |",
    "| a, full | 440 | 0.80 | 1.00 | 2.00 | +50.0 | +0 |",
    "| b, no chain | 500 | 1.00 | 1.00 | 2.00 | (400) | (100) |",
    "| b, full | 250 | 0.50 | 1.00 | 2.00 | −10.0 | +0 |",
  ]);
});
