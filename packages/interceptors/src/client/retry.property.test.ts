// SPDX-License-Identifier: MIT
import { setImmediate as nextTurn } from "node:timers/promises";
import { InterceptingCall, type Interceptor, status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { newContext, rpcContext } from "../context.ts";
import { localStatus } from "../status.ts";
import { FakeCall } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { retry, type RetryEvent } from "./retry.ts";

/** Numbers from 0 up to 1 that are the same in every run. Source: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const CODES = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.NOT_FOUND,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
];
const PUSHBACKS = ["0", "40", "-1", "soon"];

/** Tokens that are counted: what goes in must be what is left and what went out. */
function aBudget(random: () => number) {
  return {
    deposits: 0,
    withdrawals: 0,
    deposit() {
      this.deposits += 1;
    },
    withdraw() {
      if (random() < 0.1) return false;
      this.withdrawals += 1;
      return true;
    },
    recordSuccess: () => undefined,
    recordFailure: () => undefined,
  };
}

/** A recorder that knows how many calls have not ended. */
function aRecorder() {
  const recorder = {
    open: 0,
    begin() {
      recorder.open += 1;
      return { mark: () => ({ peer: "a:1", sent: true }), end: () => void (recorder.open -= 1) };
    },
  };
  return recorder;
}

/** One run: ten calls of all shapes, to which one thing after the other happens by chance. */
async function run(seed: number) {
  const random = seeded(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const clock = new ManualClock();
  const budget = aBudget(random);
  const recorder = aRecorder();
  const events: RetryEvent[] = [];
  const attempts: number[] = [];
  const throwing: Interceptor = (options, nextCall) => {
    if (random() < 0.03) throw new Error("of an interceptor");
    attempts.push(1);
    const maybe = (next: () => void): void => {
      next();
      if (random() < 0.01) throw new Error("of an interceptor");
    };
    return new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => maybe(() => next(metadata, listener)),
      sendMessage: (message, next) => maybe(() => next(message)),
      halfClose: (next) => maybe(next),
    });
  };
  const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false };
  const context = newContext({ requestId: "12345678", trace, retryCredit: pick([1, 10, Infinity]) });
  const interceptor = retry(
    {
      methods: () => ({ idempotency: pick(["IDEMPOTENT", "IDEMPOTENT", "UNKNOWN"]) }),
      budget,
      attempts: recorder,
      commitOn: pick(["headers", "message"]),
      maxBufferBytesPerCall: 120,
      maxBufferBytesPerChannel: 120,
      observe: (event) => events.push(event),
    },
    { clock, random },
  );
  const calls: FakeCall[] = [];
  const begin = (): void => {
    const shape = {
      requestStream: random() < 0.5,
      responseStream: random() < 0.5,
      deadline: clock.now() + 2_000 * random(),
    };
    try {
      // What the first attempt's interceptors throw goes to the caller, as without retry: it has no call then.
      const call = rpcContext.run(context, () => new FakeCall([interceptor, throwing], shape));
      calls.push(call);
      call.start();
    } catch (error) {
      if ((error as Error).message !== "of an interceptor") throw error;
    }
  };
  for (let n = 0; n < 10; n++) begin();

  const written = new Map<FakeCall, number>();
  const steps: ((call: FakeCall) => void)[] = [
    (call) => call.attempt.sendHeaders(),
    (call) => call.attempt.sendMessage("m"),
    (call) => call.attempt.succeed(),
    (call) => call.attempt.end(pick(CODES)),
    (call) => call.attempt.end(status.UNAVAILABLE),
    (call) => call.attempt.end(status.UNAVAILABLE),
    (call) => call.attempt.end(pick(CODES), { "grpc-retry-pushback-ms": pick(PUSHBACKS) }),
    (call) => call.attempt.endWith(localStatus(status.UNAVAILABLE, "", { reason: "CIRCUIT_OPEN" })),
    (call) => pick(call.attempts).end(status.UNAVAILABLE),
    (call) => pick(call.attempts).succeed(),
    (call) => call.cancel(),
    (call) => call.call.startRead(),
    (call) => call.call.sendMessageWithContext({ callback: () => written.set(call, 0) }, "x".repeat(random() * 60)),
    (call) => call.call.halfClose(),
    () => clock.advance(random() * 60),
    () => clock.advance(random() * 60),
  ];
  for (let n = 0; n < 60; n++) pick(steps)(pick(calls));
  // Whatever is still under way ends now.
  for (const call of calls) call.cancel();
  await nextTurn();

  expect(calls.map(({ statuses }) => statuses.length)).toEqual(calls.map(() => 1));
  expect(clock.pending).toBe(0);
  expect(recorder.open).toBe(0);
  expect(budget.deposits).toBe(calls.length);
  const retries = events.filter(({ kind }) => kind === "retry").length;
  expect(budget.withdrawals).toBe(retries);
  // Each retry is an attempt, unless it was cancelled before or thrown at.
  expect(attempts.length).toBeLessThanOrEqual(calls.length + retries);
  clock.advance(60_000);
  const before = attempts.length;
  await nextTurn();
  expect(attempts.length).toBe(before);

  // The channel's buffer is empty: a request that fills it to the last byte has room, and is repeated.
  const last = new FakeCall([interceptor], { requestStream: true, metadata: { "idempotency-key": "k" } });
  last.start();
  last.call.sendMessage("x".repeat(115));
  events.length = 0;
  last.attempt.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": "0" });
  expect(events).not.toMatchObject([{ why: "committed" }]);
  last.cancel();
  return { calls: calls.length, retries };
}

test("R1, R7, R12, R17: in 10,000 calls to which anything happens, each has one status and nothing is left", async () => {
  const totals = { calls: 0, retries: 0 };
  for (let seed = 1; totals.calls < 10_000; seed++) {
    const { calls, retries } = await run(seed).catch((error: unknown) => {
      throw new Error(`With seed ${seed}`, { cause: error });
    });
    totals.calls += calls;
    totals.retries += retries;
  }
  // Or it has shown nothing.
  expect(totals.retries).toBeGreaterThan(1_000);
});
