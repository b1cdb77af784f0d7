import { describe, expect, test } from "vitest";
import { missedDns } from "./run-dns.ts";
import { missedScale, sharesOf } from "./run-scale.ts";

test("sharesOf() is of answers, in parts of their mean", () => {
  const call = (from: string) => ({ at: 0, ms: 1, code: from === "" ? 14 : 0, reason: "", from });
  expect(sharesOf(["one", "one", "two", ""].map(call), ["one", "two", "three"])).toEqual([2, 1, 0]);
});

describe("missedScale()", () => {
  const kept = { client: "holdfast", calls: 1, codes: "", evenAfterMs: 1_000, lastShares: [1, 1, 1], stallMs: 0 };

  test("has nothing to say of a client that kept it", () => expect(missedScale(kept)).toEqual([]));
  test.each([{ codes: "1 × UNAVAILABLE" }, { evenAfterMs: 1_100 }, { evenAfterMs: Infinity }])("finds %j", (row) =>
    expect(missedScale({ ...kept, ...row })).toHaveLength(1),
  );
});

describe("missedDns()", () => {
  const kept = {
    fault: "empty",
    instances: 2,
    calls: 1,
    codes: "",
    queries: 1,
    shares: [0.8, 1.2],
    stallMs: 0,
  } as const;

  test("has nothing to say of a client that kept it", () =>
    expect(missedDns({ ...kept, shares: [...kept.shares] })).toEqual([]));
  test.each([
    { codes: "1 × UNAVAILABLE" },
    { queries: 0 },
    { shares: [0.79, 1.21] },
    { shares: [Number.NaN, Number.NaN] },
  ])("finds %j", (row) => expect(missedDns({ ...kept, shares: [1, 1], ...row })).toHaveLength(1));
});
