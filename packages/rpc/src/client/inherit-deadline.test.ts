import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inheritDeadline } from "./inherit-deadline.ts";

describe("inheritDeadline()", () => {
  test.each([
    ["its own timeout without anything else", { now: 1_000, timeoutMs: 500 }, 1_500],
    ["an explicit deadline that is earlier", { now: 1_000, timeoutMs: 500, explicit: 1_200 }, 1_200],
    ["its own timeout when the explicit deadline is later", { now: 1_000, timeoutMs: 500, explicit: 9_000 }, 1_500],
    ["the inherited one less 5 %", { now: 0, timeoutMs: 5_000, inherited: 400 }, 380],
    ["the inherited one less at least 5 ms", { now: 0, timeoutMs: 5_000, inherited: 40 }, 35],
    ["the inherited one less at most 50 ms", { now: 0, timeoutMs: 50_000, inherited: 10_000 }, 9_950],
    ["nothing when only the margin is left", { now: 0, timeoutMs: 5_000, inherited: 5 }, undefined],
    ["nothing when the inherited one has passed", { now: 100, timeoutMs: 5_000, inherited: 50 }, undefined],
    ["nothing when the explicit one has passed", { now: 100, timeoutMs: 5_000, explicit: 50 }, undefined],
  ])("gives %s", (_, sources, expected) => {
    expect(inheritDeadline(sources)).toBe(expected);
  });

  test("never exceeds any source, and always lies in the future", () => {
    const ms = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(ms, ms, ms, ms, (now, timeoutMs, explicit, inherited) => {
        const deadline = inheritDeadline({ now, timeoutMs, explicit, inherited });
        if (deadline === undefined) return;
        expect(deadline).toBeGreaterThan(now);
        expect(deadline).toBeLessThanOrEqual(Math.min(now + timeoutMs, explicit, inherited));
      }),
    );
  });
});
