// SPDX-License-Identifier: MIT
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { localStatus } from "../status.ts";
import type { FakeAttempt } from "../testing/client-call.ts";
import { aBudget, aCall, type Shape } from "../testing/retried-call.ts";
import { type RetryOptions, retry, retryChannelOptions } from "./retry.ts";

const unavailable = (attempt: FakeAttempt) => attempt.end(status.UNAVAILABLE);

describe("retry()", () => {
  test("sends an idempotent call again until it is answered", () => {
    const { call, clock, budget, events } = aCall();
    call.attempt.end(status.UNAVAILABLE);
    expect(call.statuses).toEqual([]);
    clock.advance(25);
    call.attempt.succeed();
    expect(call.status?.code).toBe(status.OK);
    expect(call.messages).toEqual(["ok"]);
    expect(call.statuses).toHaveLength(1);
    expect(call.attempts.map(({ messages, halfClosed }) => ({ messages, halfClosed }))).toEqual([
      { messages: ["request"], halfClosed: true },
      { messages: ["request"], halfClosed: true },
    ]);
    expect(budget).toMatchObject({ deposits: 1, withdrawals: 1, successes: 1, failures: 1 });
    expect(events).toEqual([
      { kind: "retry", path: "/test.v1.Test/Get", attempt: 2, code: status.UNAVAILABLE, delayMs: 25 },
    ]);
    expect(clock.pending).toBe(0);
  });

  test.each([
    [undefined, 3],
    [1, 1],
    [5, 5],
  ])("R1: the maximum of %s makes %d attempts, the first one included", (maxAttempts, attempts) => {
    const { call, clock, events } = aCall({ ...(maxAttempts && { maxAttempts }), answer: unavailable });
    clock.advance(60_000);
    expect(call.attempts).toHaveLength(attempts);
    expect(call.statuses).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ kind: "stopped", attempts, why: "max_attempts" });
  });

  test.each<[Partial<RetryOptions>, string]>([
    [{ maxAttempts: 9 }, "maxAttempts must be 1 to 5, is 9"],
    [{ maxAttempts: 0 }, "maxAttempts must be 1 to 5, is 0"],
    [{ maxAttempts: 2.5 }, "maxAttempts must be 1 to 5, is 2.5"],
    [{ attemptsCap: 0 }, "attemptsCap must be 1 to 100, is 0"],
    [{ baseDelayMs: 0 }, "baseDelayMs must be 1 to 60000, is 0"],
    [{ multiplier: Number.NaN }, "multiplier must be 1 to 10, is NaN"],
    [{ maxDelayMs: 10 }, "maxDelayMs must be 50 to 600000, is 10"],
    [{ maxBufferBytesPerCall: 20_000_000 }, "maxBufferBytesPerCall must be 0 to 16777216, is 20000000"],
    [{ maxBufferBytesPerChannel: -1 }, "maxBufferBytesPerChannel must be 0 to 1073741824, is -1"],
    [{ jitter: "ful" as never }, "jitter must be full or plus-minus-20, is ful"],
    [{ commitOn: "mesage" as never }, "commitOn must be headers or message, is mesage"],
  ])("R1: refuses %o; a higher cap is asked for by name", (options, text) => {
    const build = (more = {}) => retry({ methods: () => undefined, budget: aBudget(), ...options, ...more });
    expect(build).toThrow(new RangeError(`Cannot build retry: ${text}`));
    expect(() => retry({ methods: () => undefined, budget: aBudget(), maxAttempts: 9, attemptsCap: 9 })).not.toThrow();
  });

  test("R1: refuses an option that there is not", () => {
    const options = { methods: () => undefined, budget: aBudget(), maxRetries: 7 };
    expect(() => retry(options)).toThrow(new TypeError('Cannot build retry: there is no option "maxRetries"'));
  });

  test.each<[string, number, Shape]>([
    ["is idempotent", 2, {}],
    ["is not known", 1, { methods: () => undefined }],
    ["may do anything", 1, { methods: () => ({ idempotency: "UNKNOWN" }) }],
    ["is keyed by a field", 2, { methods: () => ({ key: "field" }) }],
    [
      "is keyed by metadata that is there",
      2,
      { methods: () => ({ key: "metadata" }), metadata: { "idempotency-key": "k" } },
    ],
    ["is keyed by metadata that is not there", 1, { methods: () => ({ key: "metadata" }) }],
    ["is idempotent and must not be retried", 1, { methods: () => ({ idempotency: "IDEMPOTENT", retry: false }) }],
    ["is hedged", 1, { methods: () => ({ idempotency: "IDEMPOTENT", hedge: true }) }],
  ])("R2: a method that %s has %d attempts", (_, attempts, shape) => {
    const { call, clock } = aCall({ ...shape, maxAttempts: 2, answer: unavailable });
    clock.advance(60_000);
    expect(call.attempts).toHaveLength(attempts);
    expect(call.status?.code).toBe(status.UNAVAILABLE);
  });

  test("R3: a caller's error is final, and no failure for the budget", () => {
    const { call, budget, events } = aCall({ answer: (attempt) => attempt.end(status.NOT_FOUND) });
    expect(call.status?.code).toBe(status.NOT_FOUND);
    expect(budget).toMatchObject({ withdrawals: 0, failures: 0 });
    expect(events).toMatchObject([{ kind: "stopped", attempts: 1, why: "not_retryable" }]);
  });

  test("R3: a local rejection by an open circuit is final, and no failure of the server's", () => {
    const { call, clock, budget } = aCall();
    call.attempt.endWith(localStatus(status.UNAVAILABLE, "open", { reason: "CIRCUIT_OPEN", retryAfterMs: 1 }));
    clock.advance(60_000);
    expect(call.attempts).toHaveLength(1);
    expect(budget.failures).toBe(0);
  });

  test("R4: a call that may do anything is sent again after a local rejection that may pass", () => {
    const { call, clock, budget } = aCall({ methods: () => undefined });
    call.attempt.endWith(localStatus(status.UNAVAILABLE, "no token", { reason: "DEPENDENCY_UNAVAILABLE" }));
    clock.advance(25);
    expect(call.attempts).toHaveLength(2);
    expect(budget.failures).toBe(0);
  });

  test.each([
    [true, 1],
    [undefined, 1],
    [false, 2],
  ])(
    "R4: of a call that may do anything, of which the balancer says sent: %s, there are %d attempts",
    (sent, attempts) => {
      const route = { mark: () => ({ peer: undefined, sent }), end: () => undefined };
      const { call, clock } = aCall({ methods: () => undefined, attempts: { begin: () => route }, maxAttempts: 2 });
      call.attempt.end(status.UNAVAILABLE, {}, "Stream refused by server");
      clock.advance(60_000);
      expect(call.attempts).toHaveLength(attempts);
    },
  );

  test("R5: its channel options leave grpc.enable_retries alone and set no policy", () => {
    expect(retryChannelOptions).toEqual({ "grpc.service_config_disable_resolution": 1 });
  });

  test("R8: waits grow, and differ by chance", () => {
    const { clock, events } = aCall({ maxAttempts: 4, answer: unavailable });
    clock.advance(60_000);
    expect(events.map((event) => event.kind === "retry" && event.delayMs)).toEqual([25, 50, 100, false]);
  });

  test("R9: stops when the wait is longer than the time left, with the last real status", () => {
    const { call, clock, events } = aCall({ deadline: 1_000_020 });
    call.attempt.end(status.UNAVAILABLE);
    expect(call.status?.code).toBe(status.UNAVAILABLE);
    expect(events).toMatchObject([{ kind: "stopped", why: "no_time" }]);
    expect(clock.pending).toBe(0);
  });

  test("R9: stops when attempts of this method mostly take longer than what is left", () => {
    const { clock, start, events, call } = aCall({ deadline: 1_001_000 });
    const calls = Array.from({ length: 8 }, () => start());
    clock.advance(600);
    for (const each of calls) each.attempt.succeed();
    call.attempt.end(status.UNAVAILABLE);
    expect(events).toMatchObject([{ kind: "stopped", why: "no_time" }]);
  });

  test("R10: the pushback is the exact wait, and the backoff starts over", () => {
    const { call, clock, events } = aCall({ maxAttempts: 4 });
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(25);
    call.attempt.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": "777" });
    clock.advance(776);
    expect(call.attempts).toHaveLength(2);
    clock.advance(1);
    call.attempt.end(status.UNAVAILABLE);
    expect(events).toMatchObject([{ delayMs: 25 }, { delayMs: 777 }, { delayMs: 25 }]);
  });

  test.each(["-1", "soon", ""])("R10: a pushback of %o means no retry, and is a failure for the budget", (pushback) => {
    const { call, clock, budget, events } = aCall();
    call.attempt.end(status.NOT_FOUND, { "grpc-retry-pushback-ms": pushback });
    expect(budget).toMatchObject({ failures: 1, withdrawals: 0 });
    expect(events).toMatchObject([{ why: "pushback" }]);
    expect(clock.pending).toBe(0);
  });

  test("R12: one deposit per call; the budget decides before the wait", () => {
    const { call, clock, budget, events } = aCall({ budget: aBudget(1) });
    call.attempt.end(status.UNAVAILABLE);
    expect(budget).toMatchObject({ deposits: 1, withdrawals: 1 });
    clock.advance(25);
    call.attempt.end(status.UNAVAILABLE);
    expect(call.status?.code).toBe(status.UNAVAILABLE);
    expect(clock.pending).toBe(0);
    expect(budget).toMatchObject({ deposits: 1, withdrawals: 1, failures: 2, successes: 0 });
    expect(events.at(-1)).toMatchObject({ kind: "stopped", attempts: 2, why: "budget" });
  });
});
