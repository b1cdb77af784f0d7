// SPDX-License-Identifier: MIT
/**
 * Copy:    client/attempt-timeout.ts
 * Place:   client, inside retry, breaker and concurrency limit, outside auth.
 * Does:    gives every attempt less time than the whole call has, so that a host that hangs leaves time for another.
 * Doesn't: try again (client/retry.ts), nor cut streams or methods that are never tried again: they gain nothing.
 * With:    context.ts
 * Source:  -
 */
import type { InterceptingCall, Interceptor } from "@grpc/grpc-js";
import { type Clock, systemClock } from "../context.ts";

export interface AttemptTimeoutOptions {
  /** The longest that one attempt may take, from its start; undefined for a method: as long as the call may. */
  timeoutMs: number | ((path: string) => number | undefined);
  /** What the contract says of a method. Without it every method counts as one that may be tried again. */
  methods?: (path: string) => { retry?: boolean | undefined; hedge?: boolean | undefined } | undefined;
  /** Whether streaming calls are limited too: a stream that is well is cut as well. @default false */
  streams?: boolean;
}

/** The whole call's deadline, for whoever sees only the attempt's: client/telemetry.ts logs what was left of it. */
const CALL_DEADLINE: unique symbol = Symbol.for("grpc.call-deadline");

/** When an attempt that starts now is over: never later than its call. */
export function attemptDeadline(now: number, timeoutMs: number, overall: number): number {
  return Math.min(now + timeoutMs, overall);
}

/** Shortens the deadline of each attempt. Costs no layer around the call. */
export function attemptTimeout(
  options: AttemptTimeoutOptions,
  { clock = systemClock }: { clock?: Clock | undefined } = {},
): Interceptor {
  const { timeoutMs, methods, streams = false } = options;
  if (typeof timeoutMs === "number" && !(timeoutMs >= 1)) {
    throw new RangeError(`Cannot build attemptTimeout: timeoutMs must be 1 to Infinity, is ${timeoutMs}`);
  }
  return (call, nextCall) => {
    const { path, requestStream, responseStream } = call.method_definition;
    const method = methods?.(path);
    const again = methods === undefined || method?.retry === true || method?.hedge === true;
    const ms = typeof timeoutMs === "number" ? timeoutMs : timeoutMs(path);
    if (ms === undefined || !again || ((requestStream || responseStream) && !streams)) {
      return nextCall(call) as InterceptingCall;
    }
    const overall = Number(call.deadline ?? Infinity);
    const deadline = attemptDeadline(clock.now(), ms, overall);
    const limited = { ...call, deadline, [CALL_DEADLINE]: overall };
    return nextCall(limited) as InterceptingCall;
  };
}
