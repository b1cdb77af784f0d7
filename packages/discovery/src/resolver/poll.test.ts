// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Resolution } from "./endpoint-source.ts";
import { Poll, type PollOptions, type ResolverEvent } from "./poll.ts";

const list = (hosts: string, ttlMs = Infinity): Resolution => ({
  kind: "endpoints",
  endpoints: hosts.split(" ").map((host) => ({ addresses: [{ host, port: 1 }], weight: 1 })),
  ttlMs,
  note: "asked",
});
const none: Resolution = { kind: "none", note: "no such name" };
const failure: Resolution = { kind: "failure", note: "no answer in time" };

/** A poll of a source whose answer can be set; what the sink hears is text. */
function start(options: PollOptions = {}, random = () => 0.5) {
  const clock = new ManualClock();
  const began = clock.now();
  const state = {
    answer: list("a") as Resolution | Error | undefined,
    accept: true,
    looks: [] as number[],
    aborted: 0,
    heard: [] as string[],
    events: [] as ResolverEvent[],
  };
  const source = {
    resolve(signal: AbortSignal): Promise<Resolution> {
      state.looks.push(clock.now() - began);
      signal.addEventListener("abort", () => (state.aborted += 1));
      const { answer } = state;
      if (answer instanceof Error) return Promise.reject(answer);
      return answer === undefined ? new Promise(() => {}) : Promise.resolve(answer);
    },
  };
  const sink = {
    list(endpoints: readonly { addresses: readonly { host: string }[] }[]): boolean {
      state.heard.push(endpoints.map(({ addresses }) => addresses.map(({ host }) => host).join("+")).join(" "));
      return state.accept;
    },
    failed: (note: string) => void state.heard.push(`! ${note}`),
  };
  const observe = (event: ResolverEvent) => void state.events.push(event);
  const poll = new Poll(source, sink, { observe, ...options }, { clock, random });
  /** Moves time on in small steps: between two of them promises are settled. */
  const pass = async (ms: number, each: () => void = () => {}): Promise<void> => {
    await settled();
    for (let left = ms; left > 0; left -= 50) {
      clock.advance(Math.min(50, left));
      each();
      await settled();
    }
  };
  return { poll, state, clock, pass };
}

async function settled(): Promise<void> {
  for (let tick = 0; tick < 5; tick += 1) await Promise.resolve();
}

describe("Poll, S1: when it looks", () => {
  test("S1: looks at the first request, then every interval", async () => {
    const { poll, state, pass } = start();
    expect(state.looks).toEqual([]);
    poll.request();
    await pass(35_000);
    expect(state.looks).toEqual([0, 10_000, 20_000, 30_000]);
  });

  test.each([
    [0, 8_000],
    [1, 12_000],
  ])("S1: the interval is spread by 20 %%, random %d", async (random, second) => {
    const { poll, state, pass } = start({}, () => random);
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
    const { poll, state, pass } = start();
    state.answer = list("a", ttlMs);
    poll.request();
    await pass(10_000);
    expect(state.looks).toEqual(looks);
  });

  test("S1: a request is granted one second after the last look, and followed by others further apart", async () => {
    const { poll, state, pass } = start();
    poll.request();
    await pass(300);
    poll.request();
    await pass(20_000);
    expect(state.looks).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000]);
  });

  test("S1: a request long after the last look is granted at once, and never within the call", async () => {
    const { poll, state, pass } = start();
    poll.request();
    await pass(5_000);
    poll.request();
    expect(state.looks).toEqual([0]);
    await pass(50);
    expect(state.looks).toEqual([0, 5_000]);
  });

  test("S1: a change ends what a request has begun", async () => {
    const { poll, state, pass } = start();
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
        const { poll, state, pass } = start({ intervalMs: 500 }, () => random);
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
    const { poll, state, pass } = start();
    poll.request();
    await pass(60_000, () => poll.request());
    expect(state.looks.length).toBeLessThan(40);
  });

  test("S1: refresh() looks at once, or half a second after the last look", async () => {
    const { poll, state, pass } = start();
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
    const { poll, state, pass } = start({ requestGapMs: 60_000 });
    state.answer = undefined;
    poll.request();
    poll.request();
    poll.refresh();
    await pass(9_000);
    expect(state.looks).toEqual([0]);
    state.answer = list("a");
    await pass(1_300);
    expect(state.looks).toEqual([0, 10_000]);
  });

  test("is given up after 10 s without an answer, and there is never more than one look", async () => {
    const { poll, state, pass } = start();
    state.answer = undefined;
    poll.request();
    await pass(10_000, () => poll.request());
    expect(state).toMatchObject({ looks: [0], aborted: 1, heard: ["! no answer within 10000 ms"] });
    await pass(250, () => poll.request());
    expect(state.looks).toEqual([0, 10_250]);
  });
});

describe("Poll, S2: never an empty list", () => {
  test.each([
    ["NXDOMAIN or an empty answer", none, "no such name"],
    ["a failure", failure, "no answer in time"],
    ["a source that throws", new Error("broken"), "Error: broken"],
  ])("S2: keeps the last good list at %s, and says so", async (_, answer, note) => {
    const { poll, state, pass } = start();
    poll.request();
    await pass(1_000);
    state.answer = answer;
    await pass(60_000);
    expect(state.heard).toEqual(["a"]);
    expect(state.events.at(-1)).toMatchObject({ kind: "kept", note, stale: false, endpoints: [{ weight: 1 }] });
  });

  test("S2: calls the list stale after five minutes, and keeps it", async () => {
    const { poll, state, pass } = start();
    poll.request();
    await pass(1_000);
    state.answer = none;
    await pass(320_000);
    expect(state.heard).toEqual(["a"]);
    const kept = state.events.filter((event) => event.kind === "kept");
    expect(kept.every(({ stale, ageMs }) => stale === ageMs > 300_000)).toBe(true);
    expect(kept.at(-1)).toMatchObject({ stale: true, endpoints: [{}] });
    state.answer = list("b");
    await pass(12_000);
    expect(state.heard).toEqual(["a", "b"]);
  });

  test("S2: requests do not hurry a look that keeps failing", async () => {
    const { poll, state, pass } = start();
    poll.request();
    await pass(100);
    state.answer = failure;
    await pass(30_000, () => poll.request());
    expect(state.looks).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 26_000]);
  });

  test("S2: after a failure it looks again sooner than the interval, and less and less often", async () => {
    const { poll, state, pass } = start();
    poll.request();
    await pass(9_000);
    state.answer = failure;
    await pass(30_000);
    expect(state.looks).toEqual([0, 10_000, 11_000, 13_000, 17_000, 25_000, 35_000]);
  });

  test("tells failures while nothing is known, and looks again after 250 ms, then up to every second", async () => {
    const { poll, state, pass } = start();
    state.answer = none;
    poll.request();
    await pass(3_000);
    expect(state.looks).toEqual([0, 250, 750, 1_750, 2_750]);
    expect(state.heard).toEqual(Array<string>(5).fill("! no such name"));
    expect(state.events.at(-1)).toMatchObject({ kind: "failed", note: "no such name" });
    state.answer = list("a");
    await pass(1_000);
    expect(state.heard.at(-1)).toBe("a");
  });
});

describe("Poll, S3: changes only", () => {
  test("S3: hands on a list only when the set has changed, sorted, without doubles", async () => {
    const { poll, state, pass } = start();
    for (const answer of ["b a", "a b", "b a a", "c a", "a c"]) {
      state.answer = list(answer);
      if (answer === "b a") poll.request();
      await pass(10_000);
    }
    expect(state.heard).toEqual(["a b", "a c"]);
    expect(state.events.map((event) => event.kind === "resolved" && event.changed).filter(Boolean)).toHaveLength(2);
  });

  test("S3: another weight is a change, another order of one instance's addresses is none", async () => {
    const { poll, state, pass } = start();
    const of = (weight: number, ...hosts: string[]): Resolution => ({
      kind: "endpoints",
      endpoints: [{ addresses: hosts.map((host) => ({ host, port: 1 })), weight }],
      ttlMs: Infinity,
      note: "",
    });
    state.answer = of(1, "fd00::1", "10.0.0.1");
    poll.request();
    await pass(9_000);
    state.answer = of(1, "10.0.0.1", "fd00::1");
    await pass(10_000);
    expect(state.heard).toEqual(["10.0.0.1+fd00::1"]);
    state.answer = of(2, "10.0.0.1", "fd00::1");
    await pass(10_000);
    expect(state.heard).toHaveLength(2);
  });

  test("S3: offers a list again that was refused", async () => {
    const { poll, state, pass } = start();
    state.accept = false;
    poll.request();
    await pass(1_500);
    expect(state.heard).toEqual(["a", "a"]);
    state.accept = true;
    await pass(60_000);
    expect(state.heard).toEqual(["a", "a", "a"]);
  });
});

describe("Poll.stop()", () => {
  test("hands on nothing afterwards, and leaves no timer", async () => {
    const { poll, state, clock, pass } = start();
    poll.request();
    poll.stop();
    await pass(60_000);
    expect(state).toMatchObject({ looks: [0], aborted: 1, heard: [], events: [] });
    expect(clock.pending).toBe(0);
  });

  test("a later request begins anew, and hands on the list again, the old one when there is no better", async () => {
    const { poll, state, pass } = start();
    poll.request();
    await pass(1_000);
    poll.stop();
    poll.request();
    await pass(50);
    expect(state.heard).toEqual(["a", "a"]);
    poll.stop();
    state.answer = none;
    poll.request();
    await pass(50);
    expect(state.heard).toEqual(["a", "a", "a"]);
  });

  test("an answer to a look from before counts for nothing", async () => {
    const { poll, state, pass } = start();
    state.answer = list("old");
    poll.request();
    poll.stop();
    state.answer = list("new");
    poll.request();
    await pass(100);
    expect(state.heard).toEqual(["new"]);
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
    expect(() => start(options)).toThrow(why);
  });
});
