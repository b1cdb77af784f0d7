// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Priority } from "../context.ts";
import type { LoadSignals } from "../load-signals.ts";
import { aShedder, IDLE } from "../testing/shedder.ts";
import type { Permit } from "./load-shed.ts";

const LATE: LoadSignals = { eventLoopDelayP99Ms: 100, utilization: 1, heapUsedShare: 0.1 };
/** The same limit however the process fares. */
const fixed = (limit: number) => ({ minInFlight: limit, maxInFlight: limit });

describe("Shedder", () => {
  test("L2: while turns are late and the loop is busy the limit shrinks, by half at most", () => {
    const place = aShedder({ initialInFlight: 40, eventLoop: { maxDelayMs: 20 } });
    place.signals = { ...LATE, eventLoopDelayP99Ms: 25 };
    place.clock.advance(500);
    place.admit();
    expect(place.shedder.limit).toBeCloseTo(32);
    place.signals = LATE;
    place.clock.advance(500);
    place.admit();
    expect(place.shedder.limit).toBeCloseTo(16);
    for (let index = 0; index < 20; index += 1) {
      place.clock.advance(500);
      place.admit();
    }
    expect(place.shedder.limit).toBe(1);
    expect(place.events).toContainEqual({ kind: "limit", limit: 16, signals: LATE });
  });

  test("L2: a late turn of a loop that is mostly idle is a pause, and a busy loop with short turns is as it should be", () => {
    const place = aShedder({ initialInFlight: 40 });
    const { permits } = place.fillUp();
    for (const signals of [
      { ...LATE, utilization: 0.5 },
      { ...IDLE, utilization: 1 },
    ]) {
      place.giveBack(permits.splice(0));
      const before = place.shedder.limit;
      place.signals = signals;
      place.clock.advance(500);
      place.admit();
      expect(place.shedder.limit).toBeGreaterThanOrEqual(before);
    }
    const after = place.shedder.limit;
    place.fillUp();
    place.clock.advance(500);
    place.admit();
    // Busy: more calls at once would only wait for each other.
    expect(place.shedder.limit).toBe(after);
  });

  test("L2: the limit grows while it is in use and the loop has time, up to its maximum, and not while it is not", () => {
    const place = aShedder({ initialInFlight: 10, maxInFlight: 14 });
    place.clock.advance(500);
    place.admit();
    expect(place.shedder.limit).toBe(10);
    place.fillUp();
    place.clock.advance(500);
    place.admit();
    expect(place.shedder.limit).toBeCloseTo(12.2);
    for (let index = 0; index < 3; index += 1) {
      place.fillUp();
      place.clock.advance(500);
      place.admit();
    }
    expect(place.shedder.limit).toBe(14);
  });

  test("L2: with the heap nearly full only critical calls are taken", () => {
    const place = aShedder({ maxHeapShare: 0.8 });
    place.signals = { ...IDLE, heapUsedShare: 0.8 };
    place.clock.advance(500);
    expect(place.admit()).toBe("heap");
    expect(place.admit({ stream: true, priority: "sheddable" })).toBe("heap");
    expect(typeof place.admit({ priority: "critical" })).toBe("object");
    place.signals = IDLE;
    place.clock.advance(500);
    expect(typeof place.admit()).toBe("object");
  });

  test("L2: the signals are looked at every sampleMs, not per call, and set no timer", () => {
    const place = aShedder({ sampleMs: 200 });
    for (let ms = 0; ms < 1_000; ms += 10) {
      place.clock.advance(10);
      place.admit();
    }
    expect(place.probes).toBe(5);
    expect(place.clock.pending).toBe(0);
  });

  test("L2: a call that ends at once keeps its room until the end of the turn", () => {
    const place = aShedder(fixed(1));
    const first = place.admit();
    expect(typeof first === "string" || first.release("done")).toBeUndefined();
    // The next socket of the same turn: its call would begin after the first has used up the turn.
    expect(place.admit()).toBe("in_flight");
    place.endTurn();
    expect(typeof place.admit()).toBe("object");
  });

  test("L4: judges by the median of the last calls, and only once there are enough", () => {
    const place = aShedder();
    const short = () => place.admit({ deadline: place.clock.now() + 99 });
    place.took(100, 31);
    expect(typeof short()).toBe("object");
    place.took(100, 9);
    expect(short()).toBe("doomed");
    // A few that are fast do not change it, a majority does.
    place.took(1, 15);
    expect(short()).toBe("doomed");
    place.took(1, 17);
    expect(typeof short()).toBe("object");
  });

  test("L4: a call that was cut counts as at least as slow as the others: it makes nothing faster", () => {
    const place = aShedder();
    place.took(100, 40);
    place.took(1, 40, "cut");
    expect(place.admit({ deadline: place.clock.now() + 99 })).toBe("doomed");
  });

  test("L4: what a burst has taken says nothing of a server that is idle again", () => {
    const place = aShedder(fixed(100));
    const { permits } = place.fillUp({ priority: "critical" });
    expect(permits).toHaveLength(100);
    place.clock.advance(2_000);
    place.giveBack(permits);
    place.endTurn();
    const short = () => place.admit({ deadline: place.clock.now() + 500 });
    expect(typeof short()).toBe("object");
    // With many in progress it does.
    place.fillUp({ priority: "critical" });
    expect(short()).toBe("doomed");
  });

  test("L4: lets a few of the doomed try, so that an estimate that was too high can come down", () => {
    const place = aShedder();
    place.took(100, 40);
    place.chance = 0.019;
    expect(typeof place.admit({ deadline: place.clock.now() + 10 })).toBe("object");
    place.chance = 0.02;
    expect(place.admit({ deadline: place.clock.now() + 10 })).toBe("doomed");
  });

  test("L5: a repeated attempt is refused earlier than a first one, and when first ones were refused lately", () => {
    const place = aShedder(fixed(100));
    // 0.9 × 0.8 × 100, and 0.9 × 100.
    expect(place.fillUp({ retry: true }).permits).toHaveLength(72);
    const { permits, cause } = place.fillUp();
    expect([permits.length, cause]).toEqual([18, "in_flight"]);
    place.giveBack(permits);
    expect(place.admit({ retry: true })).toBe("in_flight");

    const small = aShedder(fixed(1));
    const only = small.admit();
    expect(small.admit()).toBe("in_flight");
    small.giveBack([only]);
    expect(small.admit({ retry: true })).toBe("priority");
    expect(typeof small.admit()).toBe("object");
  });

  test("C4: critical calls find room when the default ones do not, and those when the sheddable ones do not", () => {
    const place = aShedder(fixed(100));
    expect(place.fillUp({ priority: "sheddable" }).permits).toHaveLength(70);
    expect(place.fillUp().permits).toHaveLength(20);
    // 10 are left, and 30 are theirs whatever the others have.
    expect(place.fillUp({ priority: "critical" }).permits).toHaveLength(30);
  });

  test("C4: each class has its share even if a higher one has filled the limit", () => {
    const place = aShedder(fixed(100));
    expect(place.fillUp({ priority: "critical" }).permits).toHaveLength(100);
    expect(place.fillUp().permits).toHaveLength(20);
    expect(place.fillUp({ priority: "sheddable" }).permits).toHaveLength(5);
  });

  test("C4: with room for one call only, no class gets it for a second after one above it was refused", () => {
    const place = aShedder(fixed(1));
    const held = place.admit({ priority: "critical" });
    expect(place.admit({ priority: "critical" })).toBe("in_flight");
    place.giveBack([held]);
    expect(place.admit()).toBe("priority");
    expect(place.admit({ priority: "sheddable" })).toBe("priority");
    // But for its share.
    place.chance = 0.19;
    const lucky = place.admit();
    expect(typeof lucky).toBe("object");
    place.giveBack([lucky]);
    place.chance = 0.5;
    place.clock.advance(1_000);
    expect(typeof place.admit({ priority: "sheddable" })).toBe("object");
  });

  test("streams have a bound of their own, take no room from unary calls, and are not opened under overload", () => {
    const place = aShedder({ ...fixed(2), maxStreams: 10 });
    const stream = { stream: true } as const;
    const { permits, cause } = place.fillUp(stream);
    expect([permits.length, cause]).toEqual([9, "streams"]);
    expect(typeof place.admit()).toBe("object");
    place.giveBack(permits);
    place.signals = LATE;
    place.clock.advance(500);
    expect(place.admit(stream)).toBe("in_flight");
    expect(typeof place.admit({ ...stream, priority: "critical" })).toBe("object");
  });

  test("L2: room adds up after any order of arrivals and ends", () => {
    const arrival = fc.record({
      stream: fc.boolean(),
      priority: fc.constantFrom<Priority>("critical", "default", "sheddable"),
      retry: fc.boolean(),
    });
    const step = fc.oneof(arrival, fc.record({ end: fc.nat(30), twice: fc.boolean() }), fc.constant("turn"));
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const place = aShedder({ ...fixed(10), maxStreams: 5 });
      const held: Permit[] = [];
      for (const each of steps) {
        if (typeof each === "string") {
          place.endTurn();
        } else if ("end" in each) {
          const [permit] = held.splice(each.end, 1);
          permit?.release("done");
          if (each.twice) permit?.release("cut");
        } else {
          const permit = place.admit(each);
          if (typeof permit !== "string") held.push(permit);
        }
      }
      place.giveBack(held);
      place.clock.advance(1_001);
      expect(place.fillUp({ priority: "critical" }).permits).toHaveLength(10);
      expect(place.fillUp({ priority: "critical", stream: true }).permits).toHaveLength(5);
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});
