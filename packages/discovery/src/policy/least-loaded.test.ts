// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newLoad } from "../testing/new-load.ts";
import { LeastLoaded, type Load, warmth } from "./least-loaded.ts";

/** A repeatable sequence in [0, 1). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const WARM = 1_000_000;
const hosts = (...weights: number[]): Load[] => weights.map((weight, i) => newLoad(`10.0.0.${i}:1`, weight));

/** Calls that end before the next one starts: how often each was picked. */
function shares(loads: readonly Load[], picks: number, now = WARM): number[] {
  const core = new LeastLoaded({ random: seeded(7) });
  core.setCandidates(loads);
  const counts = new Map<Load, number>();
  for (let i = 0; i < picks; i++) {
    const chosen = core.pick(now);
    if (chosen === undefined) break;
    chosen.reserved--;
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
  }
  return loads.map((load) => (counts.get(load) ?? 0) / picks);
}

describe("LeastLoaded", () => {
  test.each([2, 3, 5])("takes turns among %i idle ones", (count) => {
    for (const share of shares(hosts(...Array<number>(count).fill(1)), 200)) {
      expect(share * count).toBeGreaterThan(0.85);
      expect(share * count).toBeLessThan(1.15);
    }
  });

  test("takes the one with fewer calls in flight", () => {
    const [busy, free] = hosts(1, 1) as [Load, Load];
    busy.inFlight = 2;
    free.inFlight = 1;
    expect(shares([busy, free], 10)).toEqual([0, 1]);
  });

  test("R18: tells whether a call that avoids some would get another: a candidate, or one of the others", () => {
    const core = new LeastLoaded({ random: seeded(1) });
    const [good, doubtful] = hosts(1, 1) as [Load, Load];
    const tried = new Set([good.address]);
    core.setCandidates([good]);
    expect([core.hasOther(new Set()), core.hasOther(tried)]).toEqual([true, false]);
    core.setCandidates([good], [doubtful]);
    expect(core.hasOther(tried)).toBe(true);
    expect(core.pick(WARM, good.address)).toBe(doubtful);
    core.setCandidates([]);
    expect(core.hasOther(new Set())).toBe(false);
  });

  test("spreads a burst that is picked before its first call starts", () => {
    const core = new LeastLoaded({ random: seeded(1) });
    const [busy, free] = hosts(1, 1) as [Load, Load];
    busy.inFlight = 10;
    core.setCandidates([busy, free]);
    for (let i = 0; i < 30; i++) core.pick(WARM);
    expect([busy.reserved, free.reserved]).toEqual([10, 20]);
  });

  test("S5: gives shares by the name service's weights, idle or busy", () => {
    const [light, heavy] = shares(hosts(0.5, 1.5), 400);
    expect(light).toBeCloseTo(0.25, 1);
    expect(heavy).toBeCloseTo(0.75, 1);
    const three = shares(hosts(0.25, 0.25, 2.5), 600);
    expect(three[2]).toBeGreaterThan(0.7);

    const core = new LeastLoaded({ random: seeded(3) });
    const busy = hosts(0.5, 1.5) as [Load, Load];
    core.setCandidates(busy);
    for (let i = 0; i < 400; i++) core.pick(WARM);
    expect(busy[1].reserved / 400).toBeCloseTo(0.75, 1);
  });

  test("S7: a cold one gets a tenth of the calls in flight at first, and its even share of what does not pile up", () => {
    const core = new LeastLoaded({ random: seeded(5) });
    const [warm, cold] = hosts(1, 1) as [Load, Load];
    cold.warmSince = WARM;
    core.setCandidates([warm, cold]);
    for (let i = 0; i < 110; i++) core.pick(WARM);
    expect(cold.reserved).toBe(10);
    for (let i = 0; i < 200; i++) core.pick(WARM + 10_000);
    expect(Math.abs(cold.reserved - warm.reserved)).toBeLessThanOrEqual(1);

    const idle = hosts(1, 1) as [Load, Load];
    idle[1].warmSince = WARM;
    expect(shares(idle, 100)[1]).toBeCloseTo(0.5, 1);
  });

  test("one that comes, or comes back, has nothing to catch up on", () => {
    const core = new LeastLoaded({ random: seeded(9) });
    const [a, b, late] = hosts(1, 1, 1) as [Load, Load, Load];
    core.setCandidates([a, b]);
    for (let i = 0; i < 1_000; i++) core.pick(WARM);
    a.reserved = b.reserved = 0;
    core.setCandidates([a, b, late]);
    for (let i = 0; i < 30; i++) {
      const chosen = core.pick(WARM);
      if (chosen) chosen.inFlight++;
      if (chosen) chosen.reserved = chosen.inFlight = 0;
    }
    const counts = new Map<Load, number>();
    for (let i = 0; i < 30; i++) {
      const chosen = core.pick(WARM) as Load;
      chosen.reserved--;
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    }
    expect(counts.get(late)).toBeLessThanOrEqual(15);
  });

  test("a slow one weighs its calls more", () => {
    const core = new LeastLoaded({ random: seeded(5) });
    const [fast, slow] = hosts(1, 1) as [Load, Load];
    slow.slowness = 9;
    core.setCandidates([fast, slow]);
    for (let i = 0; i < 100; i++) core.pick(WARM);
    expect(slow.reserved).toBe(10);
  });

  test("avoids the addresses given: another candidate first, then another one at all, then any", () => {
    const core = new LeastLoaded({ random: seeded(2) });
    const [a, b, ejected] = hosts(1, 1, 1) as [Load, Load, Load];
    b.inFlight = 50;
    core.setCandidates([a, b], [ejected]);
    expect(core.pick(WARM, a.address)).toBe(b);
    expect(core.pick(WARM, `${a.address},${b.address}`)).toBe(ejected);
    expect(core.pick(WARM, `${a.address},${b.address},${ejected.address}`)).toBe(a);
    expect(core.pick(WARM, "")).toBe(a);
  });

  test("an address is not avoided because another one begins with it", () => {
    const core = new LeastLoaded();
    const only = newLoad("10.0.0.1:80", 1);
    const other = newLoad("10.0.0.2:80", 1);
    other.inFlight = 5;
    core.setCandidates([only, other]);
    expect(core.pick(WARM, "10.0.0.1:8080,110.0.0.1:80")).toBe(only);
  });

  test("picks nobody of none, and the only one of one", () => {
    const core = new LeastLoaded();
    expect(core.pick(WARM)).toBeUndefined();
    const [only] = hosts(1) as [Load];
    core.setCandidates([only]);
    expect(core.pick(WARM)).toBe(only);
  });

  test("always picks a candidate, never the more loaded of the two drawn", () => {
    const load = fc.record({
      inFlight: fc.nat(20),
      weight: fc.constantFrom(0.5, 1, 2),
      slowness: fc.constantFrom(1, 4),
    });
    fc.assert(
      fc.property(fc.array(load, { minLength: 1, maxLength: 2 }), fc.nat(), (states, seed) => {
        const loads = states.map((state, i) => ({ ...newLoad(`${i}`, 1), ...state }));
        const core = new LeastLoaded({ random: seeded(seed) });
        core.setCandidates(loads);
        const costs = loads.map(({ inFlight, weight, slowness }) => (inFlight * slowness) / weight);
        const chosen = core.pick(WARM) as Load;
        expect(costs[loads.indexOf(chosen as (typeof loads)[number])]).toBe(Math.min(...costs));
      }),
    );
  });
});

describe("warmth()", () => {
  test("S7: ramps from a tenth to one over the slow start, in steps", () => {
    expect([0, 999, 2_000, 5_500, 9_999, 10_000, Infinity].map((age) => warmth(age, 10_000))).toEqual([
      0.1, 0.1, 0.2, 0.5, 0.9, 1, 1,
    ]);
    expect(warmth(0, 0)).toBe(1);
  });
});
