import { describe, expect, test } from "vitest";
import { figuresOf, resolutionsPerSecond, type Scene, shareAfterMs } from "./figures.ts";
import type { Call } from "./open-loop.ts";

const scene: Scene = {
  faultAt: 10_000,
  healedAt: 20_000,
  endAt: 25_000,
  noticeMs: 1_000,
  instances: ["one", "two"],
  bad: { name: "two", address: "198.18.0.6" },
};

/** A call each 10 ms until the end; `fate` says what came of it. */
function callsWith(fate: (at: number, index: number) => Partial<Call>): Call[] {
  return Array.from({ length: 2_500 }, (_, index) => {
    const at = 10 * index;
    return { at, ms: 1, code: 0, reason: "", from: index % 2 === 0 ? "one" : "two", ...fate(at, index) };
  });
}

describe("figuresOf()", () => {
  test("counts calls of the fault, failures until the end, and shares from when it should be noticed", () => {
    const calls = callsWith((at, index) => {
      if (at < 10_000 || at >= 22_000) return {};
      // Every second call fails as long as the other instance is bad, and two seconds longer.
      return index % 2 === 0
        ? { ms: index % 100 === 0 ? 90 : 2 }
        : { code: 14, reason: at < 20_000 ? "" : "CIRCUIT_OPEN", from: "" };
    });
    const toBad = calls.filter((_, index) => index % 2 === 1).map(({ at }) => ({ at, peer: "198.18.0.6", caller: "" }));
    const toOther = calls.map(({ at }) => ({ at, peer: "198.18.0.2", caller: "" }));
    const streams = [...toBad, ...toOther].sort((a, b) => a.at - b.at);
    const arrived = toBad.filter(({ at }) => at < 10_500 || at >= 15_000);
    const figures = figuresOf({ calls, streams }, arrived, [], scene);
    expect(figures).toEqual({
      calls: 1_000,
      failed: 500,
      failedAfter: 100,
      codes: "500 × UNAVAILABLE, 100 × UNAVAILABLE CIRCUIT_OPEN",
      badShare: 0.5,
      arrivedShare: 250 / 900,
      p50Ms: 2,
      p99Ms: 90,
      // A second that begins here has 40 answers of its 70.
      backMs: 1_700,
      resolutionsPerSecond: 0,
    });
  });
});

describe("shareAfterMs()", () => {
  const question = { ...scene, from: 20_000, wanted: ["two"], atLeast: 0.8, atMost: 1.2 };

  test("is 0 for an instance that has its share at once", () => {
    expect(
      shareAfterMs(
        callsWith(() => ({})),
        question,
      ),
    ).toBe(0);
  });

  test("is endless for one that gets too much, or too little", () => {
    const little = callsWith((_, index) => ({ from: index % 3 === 0 ? "two" : "one" }));
    const much = callsWith((_, index) => ({ from: index % 3 === 0 ? "one" : "two" }));
    expect([little, much].map((calls) => shareAfterMs(calls, question))).toEqual([Infinity, Infinity]);
  });

  test("is endless when nobody answers", () => {
    const none = callsWith(() => ({ code: 14, from: "" }));
    expect(shareAfterMs(none, { ...question, atMost: Infinity })).toBe(Infinity);
  });
});

describe("resolutionsPerSecond()", () => {
  test("counts the question that was asked most often, while the fault lasts", () => {
    const ask = (question: string, ...times: number[]) => times.map((at) => ({ at, question }));
    const queries = [
      ...ask("a 1", 9_000, 9_100, 9_200, 10_000, 10_999, 12_000),
      ...ask("b 33", 10_000, 10_200, 10_999, 11_100),
    ];
    expect(resolutionsPerSecond(queries, 10_000, 20_000)).toBe(3);
  });
});
