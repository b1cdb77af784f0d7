// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BREAKER_DEFAULTS, Circuit, RollingWindow, type Verdict } from "./breaker-core.ts";

describe("RollingWindow", () => {
  test("B2: ten buckets, each of which expires by time, without a call", () => {
    const window = new RollingWindow(10_000);
    for (let second = 0; second < 10; second++) window.add(50_000 + second * 1_000, true, false);
    expect(window.totals(59_999).failures).toBe(10);
    expect(window.totals(60_000).failures).toBe(9);
    expect(window.totals(64_500).failures).toBe(5);
    expect(window.totals(69_000)).toEqual({ calls: 0, failures: 0, slow: 0 });
  });

  test("B2: holds no more than one window, however long it runs", () => {
    const window = new RollingWindow(10_000);
    for (let second = 0; second < 1_000; second++) window.add(second * 1_000, second % 2 === 0, second % 5 === 0);
    expect(window.totals(999_000)).toEqual({ calls: 10, failures: 5, slow: 2 });
  });
});

describe("Circuit", () => {
  test("B6: never more than three probes, whatever the order of events, and it always comes back", () => {
    const step = fc.record({
      verdict: fc.constantFrom<Verdict[]>("success", "failure", "ignored"),
      ms: fc.nat(9_000),
      end: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const circuit = new Circuit(
          { target: "t", method: "/m" },
          { ...BREAKER_DEFAULTS, minCalls: 4, random: () => 0.5 },
        );
        let now = 1_000_000;
        const out: { generation: number }[] = [];
        for (const { verdict, ms, end } of steps) {
          now += ms;
          if (circuit.waitMs(now) === 0) out.push({ generation: circuit.start(now) });
          const probing = circuit.state === "half_open";
          const probes = out.filter(({ generation }) => generation === circuit.generation).length;
          expect(probing && probes > 3).toBe(false);
          if (end > 3 && out.length > 0)
            circuit.end(now, out.splice(end % out.length, 1)[0]?.generation ?? -1, verdict, false);
        }
        now += 36_001;
        // At most one lost batch of probes has to be waited for.
        for (let i = 0; i < 3; i++) {
          if (circuit.waitMs(now) > 0) now += 36_001;
          circuit.end(now, circuit.start(now), "success", false);
        }
        for (let i = 0; i < 3; i++) circuit.end(now, circuit.start(now), "success", false);
        expect(circuit.state).toBe("closed");
      }),
      { numRuns: 1_000 },
    );
  });
});
