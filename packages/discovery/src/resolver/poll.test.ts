// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failure, list, none, startPoll } from "../testing/poll-harness.ts";
import type { PollOptions } from "./poll.ts";

describe("Poll, S1: when it looks", () => {
  test("S1: looks at the first request, then every interval", async () => {
    const { poll, state, pass } = startPoll();
    expect(state.looks).toEqual([]);
    poll.request();
    await pass(35_000);
    expect(state.looks).toEqual([0, 10_000, 20_000, 30_000]);
  });

  test.each([
    [0, 8_000],
    [1, 12_000],
  ])("S1: the interval is spread by 20 %%, random %d", async (random, second) => {
    const { poll, state, pass } = startPoll({}, () => random);
    poll.request();
    await pass(13_000);
    expect(state.looks[1]).toBe(second);
  });

  test.each([
    [5_000, [0, 5_000, 10_000]],
    // A zone without caching does not set the pace.
    [0, [0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000]],
    [600_000, [0, 10_000]],
  ])("S1: a TTL of %d ms counts when it is shorter than the interval", async (ttlMs, looks) => {
    const { poll, state, pass } = startPoll();
    state.answer = list("a", ttlMs);
    poll.request();
    await pass(10_000);
    expect(state.looks).toEqual(looks);
  });

  test("S1: a request is granted one second after the last look, and followed by others further apart", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(300);
    poll.request();
    await pass(20_000);
    expect(state.looks).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000]);
  });

  test("S1: a request long after the last look is granted at once, and never within the call", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(5_000);
    poll.request();
    expect(state.looks).toEqual([0]);
    await pass(50);
    expect(state.looks).toEqual([0, 5_000]);
  });

  test("S1: a change ends what a request has begun", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(300);
    poll.request();
    state.answer = list("b");
    await pass(10_900);
    expect(state.looks).toEqual([0, 1_000, 11_000]);
  });

  test("S1: at most 2 looks per second, however often it is asked and whatever comes", async () => {
    const answers = fc.array(fc.constantFrom(list("a"), list("b", 0), list("a b", 700), none, failure), {
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(answers, fc.double({ min: 0, max: 0.999, noNaN: true }), async (sequence, random) => {
        const { poll, state, pass } = startPoll({ intervalMs: 500 }, () => random);
        poll.request();
        await pass(100);
        let step = 0;
        await pass(5_000, () => {
          state.answer = sequence[step++ % sequence.length];
          for (let times = 0; times < 10; times += 1) poll.request();
          poll.refresh();
        });
        const looks = state.looks;
        expect(looks.every((at) => looks.filter((other) => other >= at && other < at + 1_000).length <= 2)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test("S1: a host that stays dead costs one look per second at most", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(60_000, () => poll.request());
    expect(state.looks.length).toBeLessThan(40);
  });

  test("S1: refresh() looks at once, or half a second after the last look", async () => {
    const { poll, state, pass } = startPoll();
    poll.refresh();
    expect(state.looks).toEqual([]);
    poll.request();
    await pass(100);
    poll.refresh();
    await pass(1_900);
    poll.refresh();
    await pass(50);
    expect(state.looks).toEqual([0, 500, 2_000]);
  });

  test("S1: refresh() during a look is followed by another one, a request is not", async () => {
    const { poll, state, pass } = startPoll({ requestGapMs: 60_000 });
    state.answer = undefined;
    poll.request();
    poll.request();
    poll.refresh();
    await pass(9_000);
    expect(state.looks).toEqual([0]);
    state.answer = list("a");
    await pass(1_300);
    expect(state.looks).toEqual([0, 10_100]);
  });

  test("is given up after 10 s without an answer, and there is never more than one look", async () => {
    const { poll, state, pass } = startPoll();
    state.answer = undefined;
    poll.request();
    await pass(10_100, () => poll.request());
    expect(state).toMatchObject({ looks: [0], aborted: 1, heard: ["! no answer within 10000 ms"] });
    await pass(250, () => poll.request());
    expect(state.looks).toEqual([0, 10_350]);
  });

  test("what is known when a look is given up is used", async () => {
    const { poll, state, pass } = startPoll();
    state.answer = undefined;
    state.atEnd = list("a");
    poll.request();
    await pass(9_950);
    expect(state.heard).toEqual([]);
    await pass(1_000);
    expect(state).toMatchObject({ heard: ["a"], aborted: 1 });
  });
});

describe("new Poll()", () => {
  test.each<[PollOptions, string]>([
    [{ intervalMs: 99 }, "intervalMs must be 100 to 3600000, is 99"],
    [{ minGapMs: 0 }, "minGapMs must be 10 to 60000, is 0"],
    [{ requestGapMs: 100 }, "requestGapMs must be 500 to 60000, is 100"],
    [{ retryMs: Number.NaN }, "retryMs must be 10 to 60000, is NaN"],
    [{ maxRetryMs: 100 }, "maxRetryMs must be 250 to 600000, is 100"],
    [{ giveUpMs: Infinity }, "giveUpMs must be 10 to 60000, is Infinity"],
    [{ maxStaleMs: -1 }, "maxStaleMs must be 0 to 2147483648, is -1"],
  ])("refuses %o", (options, why) => {
    expect(() => startPoll(options)).toThrow(why);
  });
});
