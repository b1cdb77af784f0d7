// SPDX-License-Identifier: MIT
import { AsyncLocalStorage } from "node:async_hooks";
import { type InterceptorOptions, type NextCall, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, rpcContext } from "../context.ts";
import { FakeCall } from "../testing/client-call.ts";
import { aBudget, hosts, setUp } from "../testing/hedged-call.ts";

const PREVIOUS = "grpc-previous-rpc-attempts";

const codes = (call: FakeCall) => call.statuses.map(({ code }) => code);
const cancelled = (call: FakeCall) => call.attempts.map((attempt) => attempt.cancelled);

describe("hedging()", () => {
  test("H1: hedges what has hedge and is NO_SIDE_EFFECTS or IDEMPOTENT, and passes all else through", () => {
    for (const idempotency of ["NO_SIDE_EFFECTS", "IDEMPOTENT", "UNKNOWN", undefined] as const) {
      for (const hedge of [true, false, undefined]) {
        const { open, clock } = setUp({ methods: () => ({ idempotency, hedge }) });
        const call = open();
        clock.advance(1_000);
        const isHedged = hedge === true && (idempotency === "NO_SIDE_EFFECTS" || idempotency === "IDEMPOTENT");
        expect(call.attempts).toHaveLength(isHedged ? 2 : 1);
        call.attempt.succeed();
        expect(codes(call)).toEqual([status.OK]);
      }
    }
    const unknown = setUp({ methods: () => undefined });
    const call = unknown.open();
    unknown.clock.advance(1_000);
    expect(call.attempts).toHaveLength(1);
  });

  test.each([{ requestStream: true }, { responseStream: true }, { requestStream: true, responseStream: true }])(
    "H1: a stream goes through as it is: %j",
    (shape) => {
      const { open, clock } = setUp();
      const call = open(shape);
      clock.advance(1_000);
      call.call.startRead();
      call.attempt.succeed("a");
      expect(call.attempts).toHaveLength(1);
      expect(call.messages).toEqual(["a"]);
      expect(codes(call)).toEqual([status.OK]);
    },
  );

  test("H1: an attempt that a retry has made is not hedged, and keeps its number", () => {
    const { open, clock } = setUp();
    const call = open({ metadata: { [PREVIOUS]: "1" } });
    clock.advance(1_000);
    expect(call.attempts).toHaveLength(1);
    expect(call.attempt.header(PREVIOUS)).toBe("1");
    call.attempt.end(status.UNAVAILABLE);
    expect(codes(call)).toEqual([status.UNAVAILABLE]);
  });

  test("H2: a second attempt after the configured delay, with the message and its number", () => {
    const { open, clock, events } = setUp({ maxAttempts: 3 });
    const call = open({ metadata: { a: "b" } });
    expect(call.attempt.header(PREVIOUS)).toBeUndefined();
    clock.advance(99);
    expect(call.attempts).toHaveLength(1);
    clock.advance(1);
    expect(call.attempts).toHaveLength(2);
    clock.advance(100);
    expect(call.attempts).toHaveLength(3);
    clock.advance(10_000);
    expect(call.attempts).toHaveLength(3);
    expect(call.attempts.map((attempt) => [attempt.header(PREVIOUS), attempt.header("a")])).toEqual([
      [undefined, "b"],
      ["1", "b"],
      ["2", "b"],
    ]);
    for (const attempt of call.attempts) expect(attempt).toMatchObject({ messages: ["request"], halfClosed: true });
    expect(events.map(({ kind, attempt }) => [kind, attempt])).toEqual([
      ["hedge", 2],
      ["hedge", 3],
    ]);
  });

  test("H2: waits for the 95th percentile of the method when that is longer", () => {
    const kit = setUp({ delayMs: 10, maxAttempts: 2 });
    for (let i = 0; i < 100; i++) kit.call(i < 90 ? 5 : 300);
    const call = kit.open();
    kit.clock.advance(299);
    expect(call.attempts).toHaveLength(1);
    kit.clock.advance(1);
    expect(call.attempts).toHaveLength(2);
    const other = kit.open({ path: "/other" });
    kit.clock.advance(10);
    expect(other.attempts).toHaveLength(2);
  });

  test("H2: each hedge withdraws; with nothing left the original goes on alone", () => {
    const budget = aBudget(1);
    const { open, clock, events } = setUp({ budget, maxAttempts: 4 });
    const call = open();
    clock.advance(10_000);
    expect(call.attempts).toHaveLength(2);
    expect(budget.previous).toEqual([0, 0]);
    expect(events.at(-1)).toMatchObject({ kind: "none", why: "budget" });
    call.attempts[0]?.succeed();
    expect(codes(call)).toEqual([status.OK]);
    expect(budget).toMatchObject({ deposits: 1, successes: 1 });
  });

  test("H2: a repeated incoming call is told to the budget, and one without retry credit is not hedged", () => {
    const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false };
    const { open, clock, budget, events } = setUp({ maxAttempts: 3 });
    const context = newContext({ requestId: "r", trace, previousAttempts: 2, retryCredit: 1 });
    const call = rpcContext.run(context, () => open());
    clock.advance(10_000);
    expect(call.attempts).toHaveLength(2);
    expect(budget.previous).toEqual([2]);
    expect(events.at(-1)).toMatchObject({ kind: "none", why: "credit" });
  });

  test("H3: does not hedge without a host that the call has not tried", () => {
    const attempts = hosts(2);
    const { open, clock, events, budget } = setUp({ attempts, maxAttempts: 5 });
    const call = open();
    clock.advance(10_000);
    expect(call.attempts.map((attempt) => attempt.header("host"))).toEqual(["1", "2"]);
    expect(events.at(-1)).toMatchObject({ kind: "none", why: "host" });
    expect(budget.previous).toHaveLength(1);
    call.attempt.succeed();
    expect(attempts.seen).toEqual({ marked: 2, ended: 1 });
  });

  test.each<[object, string]>([
    [{ maxAttempts: 2.5 }, "maxAttempts must be a whole number, is 2.5"],
    [{ maxAttempts: 1 }, "maxAttempts must be 2 to 5, is 1"],
    [{ maxAttempts: 6 }, "maxAttempts must be 2 to 5, is 6"],
    [{ delayMs: 0 }, "delayMs must be 1 to 60000, is 0"],
    [{ delayMs: Number.NaN }, "delayMs must be 1 to 60000, is NaN"],
    [{ nonFatal: [status.OK] }, "nonFatal must be errors, has OK"],
    [{ nonFatal: [status.UNAVAILABLE, 17] }, "nonFatal must be errors, has 17"],
    [{ nonFatal: [] }, "nonFatal must have a code, is empty"],
    [{ delay: 50 }, 'there is no option "delay"'],
  ])("refuses %j", (options, text) => {
    expect(() => setUp(options)).toThrow(`Cannot build hedging: ${text}`);
  });

  test("H5: pushback of so many ms delays the next hedge by exactly that, below zero there is none", () => {
    for (const [pushback, delayMs] of [
      ["500", 500],
      ["-1", Infinity],
      ["garbage", Infinity],
    ] as const) {
      const { open, clock } = setUp({ maxAttempts: 3 });
      const call = open();
      clock.advance(100);
      call.attempts[1]?.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": pushback });
      clock.advance(499);
      expect(call.attempts).toHaveLength(2);
      clock.advance(1);
      expect(call.attempts).toHaveLength(delayMs === 500 ? 3 : 2);
      clock.advance(10_000);
      call.attempts[0]?.succeed();
      expect(codes(call)).toEqual([status.OK]);
      expect(clock.pending).toBe(0);
    }
  });

  test("H5: one host's pushback holds for the failures of others too", () => {
    const { open, clock } = setUp({ maxAttempts: 3 });
    const call = open();
    clock.advance(100);
    call.attempts[1]?.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": "500" });
    clock.advance(200);
    call.attempts[0]?.end(status.UNAVAILABLE);
    clock.advance(299);
    expect(call.attempts).toHaveLength(2);
    clock.advance(1);
    expect(call.attempts).toHaveLength(3);
  });

  test("H5: a pushback beyond the deadline ends the call with what the server said", () => {
    const { open, clock } = setUp();
    const call = open({ deadline: clock.now() + 400 });
    call.attempt.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": "400" });
    expect(codes(call)).toEqual([status.UNAVAILABLE]);
    expect(clock.pending).toBe(0);
  });

  test("nothing is started after the deadline", () => {
    const { open, clock } = setUp();
    const call = open({ deadline: clock.now() + 100 });
    clock.advance(100);
    call.attempt.end(status.DEADLINE_EXCEEDED);
    expect(call.attempts).toHaveLength(1);
    expect(codes(call)).toEqual([status.DEADLINE_EXCEEDED]);
  });

  test("a call that is cancelled cancels all attempts, and starts none", async () => {
    const { open, clock } = setUp({ maxAttempts: 3 });
    const call = open();
    clock.advance(100);
    call.cancel();
    call.cancel();
    expect(cancelled(call)).toEqual([status.CANCELLED, status.CANCELLED]);
    await Promise.resolve();
    expect(codes(call)).toEqual([status.CANCELLED]);
    clock.advance(10_000);
    expect(call.attempts).toHaveLength(2);
    const waiting = open();
    waiting.attempt.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": "50" });
    waiting.cancel();
    await Promise.resolve();
    expect(codes(waiting)).toEqual([status.CANCELLED]);
    expect(clock.pending).toBe(0);
  });

  test("a hedge starts in its caller's context", () => {
    const storage = new AsyncLocalStorage<string>();
    const { open, clock } = setUp();
    const seen: (string | undefined)[] = [];
    storage.run("caller", () => open({ answer: () => void seen.push(storage.getStore()) }));
    storage.run("somebody else", () => clock.advance(100));
    expect(seen).toEqual(["caller", "caller"]);
  });

  test("a throw from further in is the caller's at first, and later only the end of hedging", () => {
    const { interceptor, clock, events } = setUp();
    let made = 0;
    const broken = (from: number) => (options: InterceptorOptions, nextCall: NextCall) => {
      if (++made >= from) throw new Error("broken");
      return nextCall(options) as ReturnType<typeof interceptor>;
    };
    expect(() => new FakeCall([interceptor, broken(1)]).start()).toThrow("broken");
    expect(clock.pending).toBe(0);
    made = 0;
    const call = new FakeCall([interceptor, broken(2)]).start();
    clock.advance(100);
    expect(events.at(-1)).toMatchObject({ kind: "none", why: "threw" });
    call.attempt.succeed();
    expect(codes(call)).toEqual([status.OK]);
  });
});
