// SPDX-License-Identifier: MIT
import { type RetryEvent, type RetryOptions, retry } from "../client/retry.ts";
import { type CallShape, FakeCall } from "./client-call.ts";
import { ManualClock } from "./manual-clock.ts";

/** So many tokens, and a count of what was asked of it. */
export function aBudget(tokens = Infinity) {
  const counts = { deposits: 0, withdrawals: 0, successes: 0, failures: 0, asked: [] as number[] };
  return Object.assign(counts, {
    deposit: () => void (counts.deposits += 1),
    withdraw: (previousAttempts: number) => {
      counts.asked.push(previousAttempts);
      return counts.withdrawals < tokens && ++counts.withdrawals > 0;
    },
    recordSuccess: () => void (counts.successes += 1),
    recordFailure: () => void (counts.failures += 1),
  });
}

/** A call, and what retry is told. */
export interface Shape extends CallShape, Omit<Partial<RetryOptions>, "budget"> {
  budget?: ReturnType<typeof aBudget>;
}

const OF_THE_CALL = ["path", "requestStream", "responseStream", "metadata", "deadline", "answer"];

/** A call of an idempotent method that has been started; half of the longest wait is drawn. */
export function aCall(shape: Shape = {}) {
  const clock = new ManualClock();
  const budget = shape.budget ?? aBudget();
  const events: RetryEvent[] = [];
  const methods = () => ({ idempotency: "IDEMPOTENT" as const });
  const observe = (event: RetryEvent) => void events.push(event);
  const options = Object.fromEntries(Object.entries(shape).filter(([name]) => !OF_THE_CALL.includes(name)));
  const interceptor = retry({ methods, ...options, budget, observe }, { clock, random: () => 0.5 });
  const start = () => new FakeCall(interceptor, shape).start();
  return { clock, budget, events, start, call: start() };
}
