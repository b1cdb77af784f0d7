// SPDX-License-Identifier: MIT
import type { Interceptor } from "@grpc/grpc-js";
import { type RetryEvent, type RetryOptions, retry } from "../client/retry.ts";
import { newContext, type RpcContext, rpcContext } from "../context.ts";
import { type CallShape, FakeCall } from "./client-call.ts";
import { ManualClock } from "./manual-clock.ts";

/** A call, what retry is told, and what stands around it. */
export interface Shape extends CallShape, Partial<RetryOptions> {
  /** Whose behalf the call is made on. */
  context?: RpcContext;
  /** What is further in than retry. */
  inside?: Interceptor[];
}

const OF_THE_CALL = ["path", "requestStream", "responseStream", "metadata", "deadline", "answer", "context", "inside"];

/** A call of an idempotent method that has been started; half of the longest wait is drawn. */
export function aCall(shape: Shape = {}) {
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

/** The context of an incoming call that is being handled. */
export function aContext(known: Partial<RpcContext> = {}): RpcContext {
  const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false };
  return newContext({ requestId: "12345678", trace, ...known });
}
