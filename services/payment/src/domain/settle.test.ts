import { describe, expect, test } from "vitest";
import type { Answer } from "./answer.ts";
import type { Scope } from "./scope.ts";
import { type Attempt, settle } from "./settle.ts";

const none: Answer = { kind: "none" };
const done: Answer = { kind: "done", effectIds: ["cap_1"] };
const unknown: Answer = { kind: "unknown", why: "timeout" };

/** A provider and a book that note what is asked of them, at a time that stands still. */
function aSettlement({ sent = done, found = none, leaseKept = true } = {}) {
  const steps: string[] = [];
  const scopes: Record<string, Scope> = {};
  const note = <T>(step: string, scope: Scope, result: T) => {
    steps.push(step);
    scopes[step] = scope;
    return Promise.resolve(result);
  };
  const run = settle<Attempt, { answer: Answer; delayMs: number }>({
    provider: {
      send: (_, scope) => note("send", scope, sent),
      find: (_, scope) => note("find", scope, found),
    },
    book: {
      markSent: (_, scope) => note("mark", scope, leaseKept),
      record: (_, answer, delayMs, scope) => note("record", scope, { answer, delayMs }),
    },
    providerTimeoutMs: 3_000,
    now: () => 1_000_000,
    random: () => 0,
  });
  return { run, steps, scopes };
}

const anAttempt = (earlier: Attempt["earlier"]): Attempt => ({ id: "txn_1", fence: 1n, attempts: 1, earlier });

describe("settle()", () => {
  test("sends at once what has never been sent", async () => {
    const { run, steps } = aSettlement();
    expect(await run(anAttempt("none"))).toMatchObject({ answer: done });
    expect(steps).toEqual(["send", "record"]);
  });

  test("asks before it sends again, and notes that it does", async () => {
    const { run, steps } = aSettlement();
    expect(await run(anAttempt("over"))).toMatchObject({ answer: done });
    expect(steps).toEqual(["find", "mark", "send", "record"]);
  });

  test.each([
    ["what it finds is recorded", "over", { found: done }, done],
    ["the question has no answer", "over", { found: unknown }, unknown],
    ["an earlier request may be under way", "under_way", {}, { kind: "unknown" }],
  ] as const)("does not send again when %s", async (_, earlier, parts, answer) => {
    const { run, steps } = aSettlement(parts);
    expect(await run(anAttempt(earlier))).toMatchObject({ answer });
    expect(steps).toEqual(["find", "record"]);
  });

  test("does not send again when the lease has gone to somebody else", async () => {
    const { run, steps } = aSettlement({ leaseKept: false });
    expect(await run(anAttempt("over"))).toMatchObject({ answer: { kind: "unknown" } });
    expect(steps).toEqual(["find", "mark", "record"]);
  });

  test("gives back at once what it has not sent when it is to stop", async () => {
    const { run, steps } = aSettlement();
    const recorded = await run(anAttempt("over"), { stopping: AbortSignal.abort() });
    expect(recorded).toMatchObject({ answer: { kind: "unknown" }, delayMs: 0 });
    expect(steps).toEqual(["find", "record"]);
  });

  test("gives the provider its own time, inside the caller's, and keeps back time to answer in", async () => {
    const { run, scopes } = aSettlement();
    await run(anAttempt("none"));
    expect(scopes["send"]?.deadline).toBe(1_003_000);
    await run(anAttempt("none"), { deadline: 1_000_500 });
    expect(scopes["send"]?.deadline).toBe(1_000_400);
  });

  test("counts the time of the first request from when the intent was opened: a frozen process sends no more", async () => {
    const { run, scopes } = aSettlement();
    await run(anAttempt("none"), { openedAt: 990_000 });
    expect(scopes["send"]?.deadline).toBe(993_000);
  });

  test("records in a scope of its own, whatever has become of the caller", async () => {
    const { run, scopes } = aSettlement();
    await run(anAttempt("none"), { deadline: 999_000, stopping: AbortSignal.abort() });
    expect(scopes["record"]?.deadline).toBe(1_005_000);
    expect(scopes["record"]?.signal.aborted).toBe(false);
  });
});
