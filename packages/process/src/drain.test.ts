import { describe, expect, test } from "vitest";
import { drain, drainProblems, graceOf } from "./drain.ts";

function recorder() {
  const steps: string[] = [];
  const note = (step: string) => async () => void steps.push(step);
  const server = { health: { drain: () => void steps.push("NOT_SERVING") }, drain: note("server") };
  return { steps, server, worker: { stop: note("worker") } };
}

describe("drain()", () => {
  test("says that it goes before it takes no more calls, and stops what works by itself then", async () => {
    const { steps, server, worker } = recorder();
    await drain({ server, workers: [worker], times: { DRAIN_MS: 100, DRAIN_RESOLVERS_MS: 0 } });
    expect(steps).toEqual(["NOT_SERVING", "server", "worker"]);
  });

  test("takes calls as long as resolvers need", async () => {
    const { steps, server } = recorder();
    const started = performance.now();
    const drained = drain({ server, times: { DRAIN_MS: 1_000, DRAIN_RESOLVERS_MS: 60 } });
    expect(steps).toEqual(["NOT_SERVING"]);
    await drained;
    expect(steps).toEqual(["NOT_SERVING", "server"]);
    expect(performance.now() - started).toBeGreaterThanOrEqual(59);
  });

  test("waits for all of them, and fails when one does", async () => {
    const { server, worker } = recorder();
    const failing = { stop: () => Promise.reject(new Error("cannot give it back")) };
    await expect(
      drain({ server, workers: [worker, failing], times: { DRAIN_MS: 100, DRAIN_RESOLVERS_MS: 0 } }),
    ).rejects.toThrow("give it");
  });
});

describe("graceOf()", () => {
  test.each([
    [{ DRAIN_MS: 10_000, DRAIN_RESOLVERS_MS: 0 }, 9_000],
    [{ DRAIN_MS: 10_000, DRAIN_RESOLVERS_MS: 3_000 }, 6_000],
    [{ DRAIN_MS: 1_000, DRAIN_RESOLVERS_MS: 0 }, 750],
    [{ DRAIN_MS: 1_000, DRAIN_RESOLVERS_MS: 500 }, 250],
  ])("keeps back of %j what resolvers and closing need", (times, graceMs) => {
    expect(graceOf(times)).toBe(graceMs);
  });
});

describe("drainProblems()", () => {
  test("leaves calls under way a quarter of the time at least", () => {
    expect(drainProblems({ DRAIN_MS: 4_001, DRAIN_RESOLVERS_MS: 2_000 })).toEqual([]);
    expect(drainProblems({ DRAIN_MS: 4_001, DRAIN_RESOLVERS_MS: 2_001 })).toEqual([
      'DRAIN_RESOLVERS_MS: must be at most 2000, a half of DRAIN_MS, got "2001"',
    ]);
  });
});
