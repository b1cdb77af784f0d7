import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { load } from "./load.ts";

describe("load()", () => {
  test("keeps as many calls going as it is told, and counts every one", async () => {
    let running = 0;
    let most = 0;
    let made = 0;
    const call = async () => {
      made += 1;
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
    };
    const result = await load(call, { concurrency: 7, ms: 20 });
    expect(most).toBe(7);
    expect(running).toBe(0);
    expect(result.calls).toBe(made);
    expect(result.p50Ms).toBeLessThanOrEqual(result.p99Ms);
    expect(result.elapsedMs).toBeGreaterThanOrEqual(20);
  });

  test("fails when one call fails", async () => {
    let made = 0;
    const call = async () => {
      await turn();
      made += 1;
      if (made === 5) throw new Error("refused");
    };
    await expect(load(call, { concurrency: 2, ms: 1_000 })).rejects.toThrow("refused");
  });
});
