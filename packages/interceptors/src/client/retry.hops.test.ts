// SPDX-License-Identifier: MIT
import { setImmediate as nextTurn } from "node:timers/promises";
import { InterceptingCall, type Interceptor, type Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, type RpcContext, rpcContext } from "../context.ts";
import { detailsOf, statusOf } from "../status.ts";
import { type CallShape, type FakeAttempt, FakeCall } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { retry, type RetryEvent, type RetryOptions } from "./retry.ts";

interface Shape extends CallShape, Partial<RetryOptions> {
  /** Whose behalf the call is made on. */
  context?: RpcContext;
  /** What is further in than retry. */
  inside?: Interceptor[];
}

const OF_THE_CALL = ["path", "requestStream", "responseStream", "metadata", "deadline", "answer", "context", "inside"];

/** A call of an idempotent method that has been started; half of the longest wait is drawn. */
function aCall(shape: Shape = {}) {
  const clock = new ManualClock();
  const events: RetryEvent[] = [];
  const asked: number[] = [];
  const budget = { deposit() {}, withdraw: (n: number) => asked.push(n) > 0, recordSuccess() {}, recordFailure() {} };
  const methods = () => ({ idempotency: "IDEMPOTENT" as const });
  const observe = (event: RetryEvent) => void events.push(event);
  const options = Object.fromEntries(Object.entries(shape).filter(([name]) => !OF_THE_CALL.includes(name)));
  const interceptor = retry({ methods, budget, observe, ...options }, { clock, random: () => 0.5 });
  const start = () => new FakeCall([interceptor, ...(shape.inside ?? [])], shape).start();
  const within = () => (shape.context === undefined ? start() : rpcContext.run(shape.context, start));
  return { clock, events, asked, within, call: within() };
}

function aContext(known: Partial<RpcContext> = {}): RpcContext {
  const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false };
  return newContext({ requestId: "12345678", trace, ...known });
}

const unavailable = (attempt: FakeAttempt) => attempt.end(status.UNAVAILABLE);
const headers = (call: FakeCall, key: string) => call.attempts.map((attempt) => attempt.header(key));

describe("retry(), from hop to hop", () => {
  test("R13: grpc-previous-rpc-attempts is n on attempt n + 1, and absent on the first one", () => {
    const { call, clock } = aCall({
      answer: unavailable,
      metadata: { "grpc-previous-rpc-attempts": "7", own: "kept" },
    });
    clock.advance(60_000);
    expect(headers(call, "grpc-previous-rpc-attempts")).toEqual([undefined, "1", "2"]);
    expect(headers(call, "own")).toEqual(["kept", "kept", "kept"]);
  });

  test("R13: what further in is done to an attempt's metadata is not seen by the next one", () => {
    const { call, clock } = aCall({ answer: (attempt) => (attempt.metadata as Metadata).set("token", "t") });
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(25);
    expect(call.attempts[1]?.metadata?.get("token")).toEqual(["t"]);
    expect(call.attempts[1]?.metadata?.getMap()).toEqual({
      "grpc-previous-rpc-attempts": "1",
      "x-retry-credit": "1",
      token: "t",
    });
  });

  test("R14: for an incoming call that is a repetition, the budget is told so", () => {
    const { clock, asked } = aCall({ answer: unavailable, context: aContext({ previousAttempts: 2 }) });
    clock.advance(60_000);
    expect(asked).toEqual([2, 2]);
  });

  test("R14: every attempt says how many more those further in may make, 0 with the last one", () => {
    const { call, clock } = aCall({ answer: unavailable, maxAttempts: 4 });
    clock.advance(60_000);
    expect(headers(call, "x-retry-credit")).toEqual(["3", "2", "1", "0"]);
  });

  test("R14: neither the call nor those further in exceed the credit of the incoming call", () => {
    const { call, clock, events } = aCall({
      answer: unavailable,
      maxAttempts: 4,
      context: aContext({ retryCredit: 1 }),
    });
    clock.advance(60_000);
    expect(headers(call, "x-retry-credit")).toEqual(["1", "0"]);
    expect(events.at(-1)).toMatchObject({ kind: "stopped", why: "credit" });
  });

  test("R14: the credit is for all calls of the incoming one together", () => {
    const { within, clock, call } = aCall({ answer: unavailable, context: aContext({ retryCredit: 2 }) });
    clock.advance(60_000);
    expect(call.attempts).toHaveLength(3);
    const next = within();
    clock.advance(60_000);
    expect(headers(next, "x-retry-credit")).toEqual(["0"]);
  });

  test("R14: a call that is never tried again here passes the credit on, too", () => {
    const methods = () => ({ retry: false });
    expect(headers(aCall({ methods }).call, "x-retry-credit")).toEqual(["2"]);
    expect(headers(aCall({ methods, context: aContext({ retryCredit: 1 }) }).call, "x-retry-credit")).toEqual(["1"]);
  });

  test.each<[string, boolean, Shape]>([
    ["tried again in vain", true, { answer: unavailable }],
    [
      "tried again with success",
      false,
      { answer: (attempt, index) => (index ? attempt.succeed() : unavailable(attempt)) },
    ],
    ["failed without a retry", false, { answer: (attempt) => attempt.end(status.NOT_FOUND) }],
    ["told not to try again", true, { answer: (attempt) => attempt.end(14, { "grpc-retry-pushback-ms": "-1" }) }],
    ["without a token", true, { answer: unavailable, budget: { ...noBudget(), withdraw: () => false } }],
  ])("R14: a call that was %s says so to the layer above: %s", (_, exhausted, shape) => {
    const context = aContext();
    const { clock } = aCall({ ...shape, context });
    clock.advance(60_000);
    expect(context.retries).toEqual({ exhausted });
  });

  test("R14: a chain of five services makes at most 1 + credit attempts at its end, wherever it fails", () => {
    const counts = [0, 1, 2, 3, 4].map((failures) => attemptsAtTheEnd(5, failures));
    // Without the credit: 3 ** 5.
    expect(Math.max(...counts)).toBe(3);
    expect(attemptsAtTheEnd(5, Infinity)).toBe(3);
  });

  test("R15: an attempt that runs out of its own time is tried again", () => {
    const { call, clock } = aCall({ deadline: 1_010_000, answer: (attempt) => attempt.end(status.DEADLINE_EXCEEDED) });
    clock.advance(25);
    expect(call.attempts).toHaveLength(2);
  });

  test("R15: and when there is no other, the caller has UNAVAILABLE, ATTEMPT_TIMEOUT", () => {
    const { call } = aCall({ maxAttempts: 1, deadline: 1_010_000 });
    call.attempt.end(status.DEADLINE_EXCEEDED);
    expect(call.status?.code).toBe(status.UNAVAILABLE);
    expect(detailsOf(call.status?.metadata)?.reason).toBe("ATTEMPT_TIMEOUT");
    const stream = aCall({ responseStream: true, deadline: 1_010_000 }).call;
    stream.attempt.sendHeaders();
    stream.attempt.end(status.DEADLINE_EXCEEDED);
    expect(stream.status?.code).toBe(status.UNAVAILABLE);
  });

  test.each([
    ["20 ms before the end of 10 s", 9_980],
    ["at the end", 10_000],
  ])("R15: DEADLINE_EXCEEDED %s is the call's", (_, afterMs) => {
    const { call, clock } = aCall({ deadline: 1_010_000 });
    clock.advance(afterMs);
    call.attempt.end(status.DEADLINE_EXCEEDED);
    expect(call.status?.code).toBe(status.DEADLINE_EXCEEDED);
    expect(call.attempts).toHaveLength(1);
  });

  test("R15: a server's own DEADLINE_EXCEEDED and a caller's keep their code", () => {
    const server = aCall({ maxAttempts: 1 }).call;
    server.attempt.endWith(statusOf(status.DEADLINE_EXCEEDED, "", { reason: "PROVIDER_TOO_SLOW" }));
    expect(server.status?.code).toBe(status.DEADLINE_EXCEEDED);
    const caller = aCall().call;
    caller.call.cancelWithStatus(status.DEADLINE_EXCEEDED, "of the caller");
    expect(caller.status?.code).toBe(status.DEADLINE_EXCEEDED);
  });

  test("R16: the final status has every failed attempt, and the number of those before in its metadata", () => {
    const { call, clock } = aCall({ maxAttempts: 2 });
    clock.advance(7);
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(25 + 9);
    call.attempt.end(status.NOT_FOUND, { own: "kept" });
    expect(call.status).toMatchObject({
      code: status.NOT_FOUND,
      attempts: [
        { peer: "127.0.0.1:1", code: status.UNAVAILABLE, ms: 7 },
        { peer: "127.0.0.1:1", code: status.NOT_FOUND, ms: 9 },
      ],
    });
    expect(call.status?.metadata.getMap()).toEqual({ own: "kept", "grpc-previous-rpc-attempts": "1" });
  });

  test("R16: a success after a failure says so, a success at once says nothing", () => {
    const { call, clock } = aCall({ answer: (attempt, index) => (index ? attempt.succeed() : unavailable(attempt)) });
    clock.advance(25);
    expect(call.status).toMatchObject({ code: status.OK, attempts: [{ code: status.UNAVAILABLE }] });
    expect(call.status?.metadata.get("grpc-previous-rpc-attempts")).toEqual(["1"]);
    const smooth = aCall({ answer: (attempt) => attempt.succeed() }).call.status;
    expect(smooth).not.toHaveProperty("attempts");
    expect(smooth?.metadata.getMap()).toEqual({});
  });

  test("R17: cancelling during the wait clears the timer; there is one status and no other attempt", async () => {
    const { call, clock, events } = aCall();
    call.attempt.end(status.UNAVAILABLE);
    expect(clock.pending).toBe(1);
    call.cancel();
    call.cancel();
    expect(clock.pending).toBe(0);
    clock.advance(60_000);
    await nextTurn();
    expect(call.attempts).toHaveLength(1);
    expect(call.statuses).toMatchObject([{ code: status.CANCELLED, attempts: [{ code: status.UNAVAILABLE }] }]);
    expect(events.at(-1)).toMatchObject({ kind: "stopped", why: "cancelled" });
  });

  test("R17: cancelling an attempt is passed on, and what it ends with then is final, whatever it is", () => {
    const { call, clock } = aCall();
    call.call.cancelWithStatus(status.UNAVAILABLE, "of the caller");
    expect(call.attempt.cancelled).toBe(status.UNAVAILABLE);
    clock.advance(60_000);
    expect(call.attempts).toHaveLength(1);
    expect(call.statuses).toMatchObject([{ code: status.UNAVAILABLE }]);
  });

  test("R18: marks each attempt, names the host it went to, and says when the call is over", () => {
    const marked: (string | undefined)[] = [];
    let ends = 0;
    const mark = (metadata: Metadata) => {
      metadata.set("mark", String(marked.push("") - 1));
      return { peer: `host-${marked.length}`, sent: true };
    };
    const attempts = { begin: () => ({ mark, end: () => void (ends += 1) }) };
    const { call, clock } = aCall({ answer: unavailable, attempts, maxAttempts: 2 });
    expect(ends).toBe(0);
    clock.advance(25);
    expect(ends).toBe(1);
    expect(headers(call, "mark")).toEqual(["0", "1"]);
    expect(call.status).toMatchObject({ attempts: [{ peer: "host-1" }, { peer: "host-2" }] });
  });

  test("every attempt is made in the caller's context, wherever the status before came from", () => {
    const seen: (RpcContext | undefined)[] = [];
    const context = aContext();
    const look: Interceptor = (options, next) => {
      seen.push(rpcContext.get());
      return next(options) as ReturnType<Interceptor>;
    };
    const { clock } = aCall({ answer: unavailable, context, inside: [look] });
    clock.advance(60_000);
    expect(seen).toEqual([context, context, context]);
  });

  test("what is thrown further in ends the call, once, and not the process", async () => {
    let calls = 0;
    const bad: Interceptor = (options, next) => {
      if (++calls > 1) throw new TypeError("of an interceptor");
      return next(options) as ReturnType<Interceptor>;
    };
    const { call, clock, events } = aCall({ answer: unavailable, inside: [bad] });
    clock.advance(60_000);
    await nextTurn();
    expect(call.statuses).toMatchObject([{ code: status.INTERNAL, cause: new TypeError("of an interceptor") }]);
    expect(events.at(-1)).toMatchObject({ kind: "stopped", why: "threw" });
  });

  test("what is thrown further in while an attempt is under way cancels it, and there is one status as well", async () => {
    const bad: Interceptor = (options, next) =>
      new InterceptingCall(next(options), {
        sendMessage: () => {
          throw new TypeError("of an interceptor");
        },
      });
    const { call } = aCall({ inside: [bad] });
    await nextTurn();
    expect(call.attempt.cancelled).toBe(status.CANCELLED);
    expect(call.statuses).toMatchObject([{ code: status.INTERNAL }]);
  });
});

function noBudget() {
  return { deposit() {}, withdraw: () => true, recordSuccess() {}, recordFailure() {} };
}

/** Calls along a chain of services, each with retry; the last one answers after so many failures. */
function attemptsAtTheEnd(services: number, failures: number): number {
  const clock = new ManualClock();
  const interceptor = retry(
    { methods: () => ({ idempotency: "IDEMPOTENT" }), budget: noBudget() },
    { clock, random: () => 0.5 },
  );
  let atTheEnd = 0;
  /** What a service does with a call that arrives: it makes the next one, and answers as it is answered. */
  const serve = (attempt: FakeAttempt, hopsLeft: number): void => {
    if (hopsLeft === 0) return ++atTheEnd > failures ? attempt.succeed() : attempt.end(status.UNAVAILABLE);
    const retryCredit = Number(attempt.header("x-retry-credit"));
    const context = aContext({
      retryCredit,
      previousAttempts: Number(attempt.header("grpc-previous-rpc-attempts") ?? 0),
    });
    const further = (): FakeCall => new FakeCall(interceptor, { answer: (next) => serve(next, hopsLeft - 1) }).start();
    const call = rpcContext.run(context, further);
    const answer = (): void => {
      if (call.status === undefined) return void clock.setTimeout(answer, 1);
      if (call.status.code === status.OK) return attempt.succeed();
      // As server/context.ts does.
      attempt.end(call.status.code, context.retries.exhausted ? { "grpc-retry-pushback-ms": "-1" } : {});
    };
    answer();
  };
  const edge = new FakeCall(interceptor, { answer: (attempt) => serve(attempt, services - 1) }).start();
  clock.advance(600_000);
  expect(edge.statuses).toHaveLength(1);
  return atTheEnd;
}
