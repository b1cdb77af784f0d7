import { describe, expect, test } from "vitest";
import { nestingProblems } from "./nesting-problems.ts";

const CREATE_ORDER = "/ecommerce.order.v1.OrderService/CreateOrder";

describe("nestingProblems()", () => {
  test("finds nothing where each time ends before the one around it", () => {
    expect(nestingProblems([{ name: "PRICING_TIMEOUT_MS", ms: 9_500, within: CREATE_ORDER }])).toEqual([]);
  });

  test("names the setting, its limit and who waits", () => {
    expect(nestingProblems([{ name: "PRICING_TIMEOUT_MS", ms: 9_501, within: CREATE_ORDER }])).toEqual([
      `PRICING_TIMEOUT_MS: must be at most 9500, for ${CREATE_ORDER} waits 10000 ms for it, got "9501"`,
    ]);
  });

  test("compares two settings with a margin of their own", () => {
    const within = { name: "LEASE_MS", ms: 1_000 };
    expect(nestingProblems([{ name: "STEP_MS", ms: 900, within, marginMs: 100 }])).toEqual([]);
    expect(nestingProblems([{ name: "STEP_MS", ms: 901, within, marginMs: 100 }])).toHaveLength(1);
  });

  test("refuses a path that the contracts do not have", () => {
    expect(() => nestingProblems([{ name: "A", ms: 1, within: "/a.B/C" }])).toThrow('"/a.B/C"');
  });
});
