// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { HeardTime, Silence, type SilenceStep } from "./silence.ts";

/** What the ticks from `from` to `to` say, with when they say it. */
function ticks(
  silence: Silence,
  from: number,
  to: number,
  inFlight: number,
  unsent = false,
): [at: number, SilenceStep][] {
  const steps: [number, SilenceStep][] = [];
  for (let at = from; at <= to; at += 50) {
    const step = silence.tick(at, inFlight, unsent);
    if (step !== undefined) steps.push([at, step]);
  }
  return steps;
}

describe("Silence", () => {
  test("probes after 250 ms without a sign of life, is silent 300 ms later, and wants a new connection 500 ms later", () => {
    const silence = new Silence();
    silence.callStarted(0, 0);
    expect(ticks(silence, 0, 10_000, 1)).toEqual([
      [250, "probe"],
      [550, "silent"],
      [1_050, "reconnect"],
    ]);
  });

  test("leaves a connection alone that has no calls in flight, or whose calls end", () => {
    const idle = new Silence();
    expect(ticks(idle, 0, 60_000, 0)).toEqual([]);
    const busy = new Silence();
    busy.callStarted(0, 0);
    for (let at = 0; at < 5_000; at += 50) {
      if (at % 200 === 0) busy.callEnded(at);
      expect(busy.tick(at, 3)).toBeUndefined();
    }
  });

  test("an answer brings it back, and it asks less and less often while nothing else happens", () => {
    const silence = new Silence();
    silence.callStarted(0, 0);
    const asked: number[] = [];
    for (let at = 0; at < 20_000; at += 50) {
      if (silence.tick(at, 1) !== "probe") continue;
      asked.push(at);
      expect(silence.probeAnswered(at)).toBe(false);
    }
    expect(asked.slice(0, 5)).toEqual([250, 750, 1_750, 3_750, 7_750]);
    expect(asked.at(-1)).toBe(17_750);
  });

  test("is hasty again once a call starts", () => {
    const silence = new Silence();
    silence.callStarted(0, 0);
    for (let at = 0; at <= 1_750; at += 50) if (silence.tick(at, 1) === "probe") silence.probeAnswered(at);
    silence.callStarted(3_000, 1);
    expect(ticks(silence, 3_000, 4_000, 2).slice(0, 2)).toEqual([
      [3_250, "probe"],
      [3_550, "silent"],
    ]);
  });

  test("a call that ends is a sign of life for a connection whose probe hangs", () => {
    const silence = new Silence();
    silence.callStarted(0, 0);
    ticks(silence, 0, 500, 2);
    expect(silence.callEnded(500)).toBe(false);
    expect(silence.probing).toBe(false);
    expect(ticks(silence, 550, 1_050, 1)).toEqual([
      [750, "probe"],
      [1_050, "silent"],
    ]);
    expect(silence.callEnded(1_100)).toBe(true);
    expect(silence.silent).toBe(false);
  });

  test("without calls in flight, a call that has ended leaves nothing to be silent about", () => {
    const silence = new Silence();
    silence.callStarted(0, 0);
    ticks(silence, 0, 250, 1);
    silence.callEnded(300);
    expect(ticks(silence, 300, 60_000, 0)).toEqual([]);
  });

  test("a probe that finds no stream: asks over another connection once, and is silent a second after the probe", () => {
    const silence = new Silence();
    silence.callStarted(0, 0);
    expect(ticks(silence, 0, 10_000, 4, true)).toEqual([
      [250, "probe"],
      [300, "ask"],
      [1_250, "silent"],
      [1_750, "reconnect"],
    ]);
  });

  test("a probe that finds its stream late has the usual time from then on", () => {
    const silence = new Silence();
    silence.callStarted(0, 0);
    ticks(silence, 0, 900, 4, true);
    expect(ticks(silence, 950, 2_000, 3)[0]).toEqual([1_200, "silent"]);
  });

  test("an answer over another connection makes it patient, even while calls keep starting", () => {
    const silence = new Silence();
    silence.callStarted(0, 0);
    const asked: number[] = [];
    for (let at = 0; at <= 4_000; at += 50) {
      silence.callStarted(at, 4);
      if (silence.tick(at, 5, true) !== "ask") continue;
      asked.push(at);
      expect(silence.probeAnswered(at)).toBe(false);
    }
    expect(asked).toEqual([300, 1_100, 1_900, 2_700, 3_500]);
  });

  test("wants one new connection per silence", () => {
    const silence = new Silence();
    for (const start of [0, 10_000]) {
      silence.callStarted(start, 0);
      expect(ticks(silence, start, start + 5_000, 1).map(([, step]) => step)).toEqual(["probe", "silent", "reconnect"]);
      expect(silence.probeAnswered(start + 5_000)).toBe(true);
    }
  });
});

describe("HeardTime", () => {
  test("passes as fast as the ticks come, and no faster: a stall of this process is nobody's silence", () => {
    const time = new HeardTime(75);
    const silence = new Silence();
    time.tick(1_000_000);
    silence.callStarted(time.now, 0);
    expect(silence.tick(time.tick(1_000_000 + 30_000), 1)).toBeUndefined();
    expect(time.now).toBe(75);
    expect(time.tick(1_030_050)).toBe(125);
  });

  test("does not count a pause, nor a clock that is set back", () => {
    const time = new HeardTime(75);
    time.tick(1_000);
    time.pause();
    expect(time.tick(9_000)).toBe(0);
    expect(time.tick(8_000)).toBe(0);
    expect(time.tick(8_050)).toBe(50);
  });
});
