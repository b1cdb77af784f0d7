import { expect, test } from "vitest";
import { dnsTable, faultTable, scaleTable } from "./tables.ts";

test("faultTable() has a line for each client, and one for a fault that could not be had", () => {
  const figures = {
    calls: 12_000,
    failed: 6_000,
    failedAfter: 3,
    codes: "6003 × DEADLINE_EXCEEDED",
    badShare: 0.5,
    arrivedShare: 0,
    p50Ms: 1.5,
    p99Ms: 120,
    backMs: Infinity,
    resolutionsPerSecond: 0,
  };
  const table = faultTable([
    { fault: "SIGSTOP", rows: [{ client: "stock", figures, stallMs: 30 }] },
    { fault: "DROP", rows: [], skipped: "no root" },
  ]);
  expect(table.split("\n").slice(2)).toEqual([
    "| SIGSTOP | stock | 12,000 | 6000 (50.0 %) | 3 | 6003 × DEADLINE_EXCEEDED | 50.0 % | 0 % | 1.50 | 120 | never | 0 | 30.0 |",
    "| DROP | skipped: no root |  |  |  |  |  |  |  |  |  |  |  |",
  ]);
});

test("scaleTable() and dnsTable() say who had which share", () => {
  const scaled = {
    client: "stock",
    calls: 3_000,
    codes: "",
    evenAfterMs: 1_300,
    lastShares: [1, 0.9, 1.1],
    stallMs: 30,
  };
  expect(scaleTable([scaled]).split("\n").at(-1)).toBe("| stock | 3,000 | 0 | 1.3 | 1.00 · 0.90 · 1.10 | 30.0 |");
  const row = {
    fault: "empty",
    instances: 2,
    calls: 800,
    codes: "2 × UNAVAILABLE",
    queries: 12,
    shares: [1, 1],
    stallMs: 30,
  } as const;
  expect(
    dnsTable([{ ...row, shares: [...row.shares] }])
      .split("\n")
      .at(-1),
  ).toBe("| empty | 2 | 800 | 2 × UNAVAILABLE | 12 | 1.00 · 1.00 | 30.0 |");
});
