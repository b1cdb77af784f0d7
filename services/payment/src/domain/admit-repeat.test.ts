import { describe, expect, test } from "vitest";
import { admitRepeat } from "./admit-repeat.ts";

describe("admitRepeat()", () => {
  const pending = { requestHash: "a", pending: true, leaseLeftMs: 0 };

  test.each([
    ["another body, whatever the state", { ...pending, requestHash: "b", leaseLeftMs: 900 }, { kind: "key_reused" }],
    ["a known outcome", { ...pending, pending: false }, { kind: "settled" }],
    ["nobody works on it", pending, { kind: "take_over" }],
    ["the lease has ended", { ...pending, leaseLeftMs: -5 }, { kind: "take_over" }],
    ["somebody works on it", { ...pending, leaseLeftMs: 120.4 }, { kind: "in_use", retryAfterMs: 121 }],
    ["no wait as long as a lease", { ...pending, leaseLeftMs: 9_000 }, { kind: "in_use", retryAfterMs: 500 }],
    ["no loop without a pause", { ...pending, leaseLeftMs: 0.1 }, { kind: "in_use", retryAfterMs: 20 }],
  ] as const)("%s", (_, recorded, repeat) => {
    expect(admitRepeat(recorded, "a")).toEqual(repeat);
  });
});
