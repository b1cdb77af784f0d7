// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { newLoad } from "../testing/new-load.ts";
import { LeastLoaded } from "./least-loaded.ts";
import { CallDuration, slownessOf } from "./slowness.ts";

/** mulberry32: the same chance in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Simulation {
  count: number;
  forMs: number;
  seed?: number;
  /** How long a call takes that begins then, in whole milliseconds. */
  durationMs: (host: number, at: number, random: () => number) => number;
}

/** 200 calls/s at random moments over endpoints that the policy chooses; what slowness is seen, four times a second. */
function simulate({ count, forMs, seed = 1, durationMs }: Simulation) {
  const random = seeded(seed);
  const hosts = Array.from({ length: count }, (_, i) => ({ ...newLoad(String(i), 1), seen: new CallDuration() }));
  const core = new LeastLoaded<(typeof hosts)[number]>({ slowStartMs: 0, random });
  core.setCandidates(hosts);
  const ends = new Map<number, [host: number, tookMs: number][]>();
  const calls: { at: number; host: number }[] = [];
  const slowness: number[][] = [];
  for (let at = 0; at < forMs; at++) {
    for (const [host, tookMs] of ends.get(at) ?? []) {
      const ended = hosts[host];
      if (ended) ended.inFlight--;
      ended?.seen.add(tookMs);
    }
    ends.delete(at);
    if (random() < 0.2) {
      const host = Number(core.pick(at)?.address);
      const tookMs = durationMs(host, at, random);
      for (const [i, each] of hosts.entries()) {
        each.reserved = 0;
        if (i === host) each.inFlight++;
      }
      ends.set(at + tookMs, [...(ends.get(at + tookMs) ?? []), [host, tookMs]]);
      calls.push({ at, host });
    }
    if (at % 250 !== 0) continue;
    slowness.push(slownessOf(hosts.map(({ seen }) => seen.estimate)));
    for (const [i, each] of hosts.entries()) each.slowness = slowness.at(-1)?.[i] ?? 1;
  }
  const share = (host: number, from: number, to: number): number => {
    const within = calls.filter(({ at }) => at >= from && at < to);
    return within.filter((each) => each.host === host).length / within.length;
  };
  return { slowness, share };
}

describe("CallDuration", () => {
  test("knows nothing before the fifth call", () => {
    const seen = new CallDuration();
    for (let i = 0; i < 4; i++) seen.add(20);
    expect(seen.estimate).toBeUndefined();
    seen.add(20);
    expect(Math.exp(seen.estimate?.log ?? 0)).toBeCloseTo(20);
  });

  test("a stream that was open for a day moves it by as much as one of a hundred times the usual", () => {
    const [day, usual] = [new CallDuration(), new CallDuration()];
    for (let i = 0; i < 50; i++) for (const each of [day, usual]) each.add(20);
    day.add(86_400_000);
    usual.add(2_000);
    expect(day.estimate?.log).toBeCloseTo(usual.estimate?.log ?? 0);
  });

  test("a call that was given up early does not make anybody fast, one that was given up late makes slow", () => {
    const seen = new CallDuration();
    for (let i = 0; i < 50; i++) seen.add(500);
    for (let i = 0; i < 50; i++) seen.addUnfinished(100);
    expect(Math.exp(seen.estimate?.log ?? 0)).toBeCloseTo(500);
    for (let i = 0; i < 50; i++) seen.addUnfinished(2_000);
    expect(Math.exp(seen.estimate?.log ?? 0)).toBeGreaterThan(1_500);
  });
});

describe("slownessOf()", () => {
  const exactly = (ms: number | undefined) => ms && { log: Math.log(ms), variance: 0 };

  test.each([
    [
      [5, 500],
      [1, 20],
    ],
    [
      [20, 120, 20],
      [1, 6, 1],
    ],
    [
      [20, 59, 20],
      [1, 1, 1],
    ],
    [
      [500, 500],
      [1, 1],
    ],
    [[100], [1]],
    [
      [100, undefined],
      [1, 1],
    ],
    [[], []],
  ])("of %j is %j", (ms, expected) => {
    const slowness = slownessOf(ms.map((each) => exactly(each) || undefined));
    expect(slowness.map((each) => Math.round(each * 1_000) / 1_000)).toEqual(expected);
  });

  test("does not act on what chance may have done", () => {
    const fast = { log: Math.log(10), variance: 0.09 };
    expect(slownessOf([fast, { log: Math.log(40), variance: 0 }])).toEqual([1, 1]);
    expect(slownessOf([fast, { log: Math.log(50), variance: 0 }])[1]).toBeCloseTo(5);
  });
});

describe.each([2, 3])("slowness of %i endpoints at 200 calls/s", (count) => {
  test.each([
    ["40 % take 300 ms, the rest 5", 0.4, 300],
    ["a half takes 300 ms", 0.5, 300],
    ["a half takes 2 s", 0.5, 2_000],
    ["a tenth takes 300 ms", 0.1, 300],
  ])("equals stay equal when calls are mixed: %s", (_, part, longMs) => {
    for (const seed of [1, 2, 3]) {
      const durationMs: Simulation["durationMs"] = (_host, _at, random) => (random() < part ? longMs : 5);
      const { slowness, share } = simulate({ count, forMs: 100_000, seed, durationMs });
      const even = slowness.filter((each) => each.every((is) => is === 1));
      expect(even.length / slowness.length).toBeGreaterThanOrEqual(0.99);
      for (let from = 0; from < 100_000; from += 10_000) {
        for (let host = 0; host < count; host++) {
          expect(share(host, from, from + 10_000) * count).toBeGreaterThan(0.8);
          expect(share(host, from, from + 10_000) * count).toBeLessThan(1.2);
        }
      }
    }
  });

  test.each([5, 20, 50])(
    "one that takes 500 ms more than the others' %i is seen within 3 s, and well within 5 again",
    (ms) => {
      const durationMs: Simulation["durationMs"] = (host, at) =>
        ms + (host === 0 && at >= 20_000 && at < 40_000 ? 500 : 0);
      const { slowness, share } = simulate({ count, forMs: 60_000, durationMs });
      expect(slowness[4 * 23]?.[0]).toBeGreaterThan(3);
      expect(share(0, 23_000, 40_000)).toBeLessThan(0.1);
      expect(
        slowness
          .slice(4 * 45)
          .flat()
          .every((is) => is === 1),
      ).toBe(true);
      expect(share(0, 45_000, 60_000) * count).toBeGreaterThan(0.8);
      // The others are never slow because of it.
      expect(slowness.every(([, ...others]) => others.every((is) => is === 1))).toBe(true);
    },
  );
});
