import { describe, expect, test } from "vitest";
import { openLoop } from "./open-loop.ts";

describe("openLoop()", () => {
  test("calls at a constant rate though no call ends, and measures from when each was due", async () => {
    let time = 1_000;
    let waiting: (() => void)[] = [];
    const stop = new AbortController();
    const calls = await openLoop(
      {
        perSecond: 200,
        startAt: 1_000,
        now: () => time,
        call: () => new Promise((resolve) => waiting.push(() => resolve({ code: 0, reason: "", from: "one" }))),
        // The process comes back 12 ms late each time.
        pause: async () => {
          time += 12;
          if (time < 1_100) return;
          stop.abort();
          for (const end of waiting) end();
          waiting = [];
        },
      },
      stop.signal,
    );
    expect(calls.map(({ at }) => at)).toEqual(Array.from({ length: 20 }, (_, index) => 1_000 + 5 * index));
    expect(calls[0]).toEqual({ at: 1_000, ms: 108, code: 0, reason: "", from: "one" });
    expect(calls[19]?.ms).toBe(13);
  });
});
