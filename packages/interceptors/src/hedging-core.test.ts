// SPDX-License-Identifier: MIT
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterAttempt, RollingP95 } from "./hedging-core.ts";

const nonFatal = new Set([status.UNAVAILABLE]);
const end = (code: status, ...pushback: string[]) => afterAttempt({ code, local: false, pushback }, nonFatal);

describe("afterAttempt()", () => {
  test("H4: OK and every code but the given ones end the call", () => {
    for (const code of Object.values(status).filter((each) => typeof each === "number")) {
      expect(end(code)).toBe(code === status.UNAVAILABLE ? 0 : "final");
    }
  });

  test.each([
    ["0", 0],
    ["250", 250],
    ["-1", "stop"],
    ["", "stop"],
    ["1.5", "stop"],
    ["01", "stop"],
    ["soon", "stop"],
    ["99999999999", "stop"],
  ])("H5: pushback %j means %s", (text, expected) => {
    expect(end(status.UNAVAILABLE, text)).toBe(expected);
  });

  test("H5: more than one pushback is none that can be read", () => {
    expect(end(status.UNAVAILABLE, "1", "2")).toBe("stop");
  });

  test("what was refused in this process is not tried again, and ends nothing", () => {
    expect(afterAttempt({ code: status.RESOURCE_EXHAUSTED, local: true, pushback: [] }, nonFatal)).toBe("stop");
  });
});

describe("RollingP95", () => {
  test("H2: is 0 until there are 20 values", () => {
    const p95 = new RollingP95();
    for (let i = 0; i < 19; i++) p95.add(100);
    expect(p95.value).toBe(0);
    p95.add(100);
    expect(p95.value).toBe(100);
  });

  test("H2: is the 95th percentile of the last 200", () => {
    const p95 = new RollingP95();
    for (let i = 0; i < 1_000; i++) p95.add(9_999);
    for (let ms = 1; ms <= 200; ms++) p95.add(ms);
    expect(p95.value).toBe(190);
  });

  test("H2: is a value that was added, at least as large as 95 % of the last 200", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 20, maxLength: 600 }), (values) => {
        const p95 = new RollingP95();
        for (const value of values) p95.add(value);
        const last = values.slice(-200);
        expect(last).toContain(p95.value);
        expect(last.filter((value) => value <= p95.value).length).toBeGreaterThanOrEqual(last.length * 0.95);
        expect(last.filter((value) => value < p95.value).length).toBeLessThan(last.length * 0.95);
      }),
    );
  });
});
