// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AimdLimit, Gradient2Limit, type Limit, Permits, WaitingLine } from "./concurrency-core.ts";
import type { Priority } from "./context.ts";

/** One attempt after the other, each as long as `rttMs` says, with the limit in full use unless told otherwise. */
function feed(limit: Limit, count: number, rttMs: number, inFlight = () => limit.current): void {
  for (let i = 0; i < count; i++) {
    limit.add({ startedAt: i * 1_000, now: i * 1_000 + rttMs, inFlight: inFlight(), dropped: false });
  }
}

const priority = fc.constantFrom<Priority[]>("critical", "default", "sheddable");

describe.each([
  ["AimdLimit", () => new AimdLimit()],
  ["Gradient2Limit", () => new Gradient2Limit()],
])("%s", (_, make) => {
  test("C2: grows from 20 to at most 200 while answers take as long as ever", () => {
    const limit = make();
    expect(limit.current).toBe(20);
    feed(limit, 2_000, 10);
    expect(limit.current).toBe(200);
  });

  test("C2: does not grow while fewer than half of it are in flight", () => {
    const limit = make();
    feed(limit, 2_000, 10, () => 9);
    expect(limit.current).toBe(20);
    feed(limit, 5, 10, () => 12);
    expect(limit.current).toBeGreaterThan(20);
  });

  test("C2: falls by a tenth for a drop, and once for all that were in flight with it", () => {
    const limit = make();
    feed(limit, 2_000, 10);
    for (let i = 0; i < 50; i++) limit.add({ startedAt: 9_000_000, now: 9_000_001, inFlight: 200, dropped: true });
    expect(limit.current).toBe(180);
    limit.add({ startedAt: 9_000_002, now: 9_000_003, inFlight: 180, dropped: true });
    expect(limit.current).toBe(162);
  });

  test("C2: never leaves its bounds", () => {
    const sample = fc.record({ rttMs: fc.nat(5_000), inFlight: fc.nat(300), dropped: fc.boolean() });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 300 }), (samples) => {
        const limit = make();
        for (const [i, { rttMs, inFlight, dropped }] of samples.entries()) {
          limit.add({ startedAt: i * 10_000, now: i * 10_000 + rttMs, inFlight, dropped });
          expect(limit.current).toBeGreaterThanOrEqual(20);
          expect(limit.current).toBeLessThanOrEqual(200);
        }
      }),
    );
  });
});

describe("AimdLimit", () => {
  test("C2: grows by one for each answer", () => {
    const limit = new AimdLimit({ min: 5, max: 50 });
    feed(limit, 10, 10);
    expect(limit.current).toBe(15);
  });
});

describe("Gradient2Limit", () => {
  test("C2: falls while answers take longer than 1.5 times the average, and comes back after", () => {
    const limit = new Gradient2Limit();
    feed(limit, 2_000, 10);
    feed(limit, 20, 14);
    expect(limit.current).toBe(200);
    feed(limit, 40, 40);
    expect(limit.current).toBeLessThan(100);
    feed(limit, 500, 10);
    expect(limit.current).toBe(200);
  });

  test("C2: smooths by 0.2 and leaves a queue of √limit", () => {
    const limit = new Gradient2Limit({ min: 100, max: 1_000 });
    feed(limit, 1, 10);
    // 100 · 0.8 + (100 + 10) · 0.2
    expect(limit.current).toBe(102);
  });

  test("C2: one answer lowers it by a tenth at most, however long it took", () => {
    const limit = new Gradient2Limit({ min: 100, max: 1_000 });
    feed(limit, 500, 10);
    const before = limit.current;
    feed(limit, 1, 100_000);
    expect(limit.current).toBeGreaterThanOrEqual(Math.floor(before * 0.9));
    expect(limit.current).toBeLessThan(before);
  });

  test("C2: the average forgets a slow time within some tens of answers", () => {
    const limit = new Gradient2Limit();
    feed(limit, 3_000, 100);
    feed(limit, 100, 10);
    const before = limit.current;
    feed(limit, 10, 50);
    expect(limit.current).toBeLessThan(before);
  });

  test("C2: the average is that of 600", () => {
    const limit = new Gradient2Limit({ min: 100, max: 100_000 });
    feed(limit, 2_000, 10);
    const before = limit.current;
    // An average over fewer would have followed within a hundred, and the limit would have stopped falling.
    feed(limit, 100, 30);
    expect(limit.current).toBeLessThan(before / 10);
  });

  test("is refused with bounds that cross", () => {
    expect(() => new Gradient2Limit({ min: 50, max: 10 })).toThrow(RangeError);
    expect(() => new AimdLimit({ min: 0 })).toThrow(RangeError);
    const text = (name: string) => `Cannot build concurrency limit: ${name} must be a whole number`;
    expect(() => new AimdLimit({ min: 1.5 })).toThrow(text("min"));
    expect(() => new Gradient2Limit({ max: 100.5 })).toThrow(text("max"));
  });
});

describe("Permits", () => {
  const fixed = (current: number) => ({ current, add: () => undefined });

  test("C4: what is guaranteed to a priority is kept free for it, whatever the others want", () => {
    const permits = new Permits(fixed(10), { critical: 0.3, default: 0.2 });
    const taken = (each: Priority) => {
      let count = 0;
      while (permits.take(each)) count += 1;
      return count;
    };
    expect(taken("sheddable")).toBe(5);
    expect(taken("default")).toBe(2);
    expect(taken("critical")).toBe(3);
    expect(permits.inFlight).toBe(10);
  });

  test("C4: what nobody is guaranteed is for everybody", () => {
    const permits = new Permits(fixed(10), { critical: 0.2 });
    for (let i = 0; i < 10; i++) expect(permits.take("critical")).toBe(true);
    expect(permits.take("critical")).toBe(false);
    permits.give("critical");
    expect(permits.take("sheddable")).toBe(true);
  });

  test("C4: a permit that comes back is guaranteed again", () => {
    const permits = new Permits(fixed(10), { critical: 0.2 });
    for (let i = 0; i < 10; i++) {
      permits.take("critical");
      permits.give("critical");
    }
    expect(Array.from({ length: 10 }, () => permits.take("sheddable")).filter(Boolean)).toHaveLength(8);
  });

  test("C4: in no order are there more than the limit, nor is anybody denied a guaranteed one", () => {
    const shares = { critical: 0.3, default: 0.2, sheddable: 0.1 };
    fc.assert(
      fc.property(fc.array(fc.tuple(priority, fc.boolean()), { maxLength: 200 }), (steps) => {
        const permits = new Permits(fixed(20), shares);
        const held = { critical: 0, default: 0, sheddable: 0 };
        let denied = 0;
        for (const [each, takes] of steps) {
          const guaranteed = held[each] < shares[each] * 20;
          if (takes) {
            const got = permits.take(each);
            if (got) held[each] += 1;
            else if (guaranteed) denied += 1;
          } else if (held[each] > 0) {
            permits.give(each);
            held[each] -= 1;
          }
          expect(permits.inFlight).toBe(held.critical + held.default + held.sheddable);
          expect(permits.inFlight).toBeLessThanOrEqual(20);
          expect(denied).toBe(0);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("WaitingLine", () => {
  const entry = (name: string, of: Priority = "default") => ({ name, priority: of });
  const all = () => true;

  test("C1: in turn up to half full, the newest first above", () => {
    const line = new WaitingLine<ReturnType<typeof entry>>(6);
    for (const name of ["a", "b", "c", "d", "e"]) line.add(entry(name));
    const order = Array.from({ length: 5 }, () => line.next(all)?.name);
    expect(order).toEqual(["e", "d", "a", "b", "c"]);
    expect(line.next(all)).toBeUndefined();
  });

  test("C1: is bounded: the oldest of the least important goes for a new one", () => {
    const line = new WaitingLine<ReturnType<typeof entry>>(2);
    const [old, critical] = [entry("old"), entry("critical", "critical")];
    expect(line.add(old)).toBeUndefined();
    expect(line.add(critical)).toBeUndefined();
    const sheddable = entry("sheddable", "sheddable");
    expect(line.add(sheddable)).toBe(sheddable);
    expect(line.add(entry("new"))).toBe(old);
    expect(line.length).toBe(2);
  });

  test("C4: the more important first, if there is a permit for it", () => {
    const line = new WaitingLine<ReturnType<typeof entry>>(10);
    for (const each of ["sheddable", "critical", "default"] as const) line.add(entry(each, each));
    expect(line.next((each) => each !== "critical")?.name).toBe("default");
    expect(line.next(all)?.name).toBe("critical");
    expect(line.next(all)?.name).toBe("sheddable");
  });
});
