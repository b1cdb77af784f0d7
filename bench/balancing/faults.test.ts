import { describe, expect, test } from "vitest";
import { FAULTS, missedOf } from "./faults.ts";

const kept = {
  calls: 12_000,
  failed: 6,
  failedAfter: 6,
  codes: "12 × UNAVAILABLE",
  badShare: 0.0099,
  arrivedShare: 0,
  p50Ms: 1,
  p99Ms: 9,
  backMs: 5_000,
  resolutionsPerSecond: 2,
};
const limits = { failedShare: 0.001, badShare: 0.01, backMs: 5_000 };

describe("missedOf()", () => {
  test("has nothing to say of figures within their limits", () => expect(missedOf({ limits }, kept)).toEqual([]));

  test.each([
    { failed: 7 },
    { failedAfter: 7 },
    { badShare: 0.011 },
    { backMs: 5_100 },
    { backMs: Infinity },
    { resolutionsPerSecond: 3 },
    { badShare: Number.NaN },
    { calls: 0, failed: 0, failedAfter: 0 },
  ])("finds %j", (figures) => expect(missedOf({ limits }, { ...kept, ...figures })).toHaveLength(1));

  test("lets an instance without a fault have calls, but none fail", () => {
    const [none] = FAULTS;
    if (none === undefined) throw new Error("There are no faults");
    const well = { ...kept, badShare: 0.5, failed: 0, failedAfter: 0 };
    expect(missedOf(none, well)).toEqual([]);
    expect(missedOf(none, { ...well, failed: 1 })).toHaveLength(1);
  });
});
