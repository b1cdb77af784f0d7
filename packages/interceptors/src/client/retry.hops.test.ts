// SPDX-License-Identifier: MIT
import { type Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { rpcContext } from "../context.ts";
import { type FakeAttempt, FakeCall } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { aCall, aContext, type Shape } from "../testing/retried-hop.ts";
import { retry } from "./retry.ts";

const unavailable = (attempt: FakeAttempt) => attempt.end(status.UNAVAILABLE);
const headers = (call: FakeCall, key: string) => call.attempts.map((attempt) => attempt.header(key));

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
});
