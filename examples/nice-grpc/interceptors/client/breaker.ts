// SPDX-License-Identifier: MIT
/**
 * Copy:    client/breaker.ts
 * Place:   client, inside retry and hedging (every attempt counts), outside the concurrency limit (its refusals do not).
 * Does:    refuses calls to a method, or a whole target, that mostly fails, and lets a few through later to see.
 * Doesn't: judge single hosts, which is outlier detection's; share its state: each process finds out for itself.
 * With:    breaker-core.ts, context.ts, status.ts
 * Source:  AIP-193 for ErrorInfo and RetryInfo.
 */
import { InterceptingCall, type Interceptor, type NextCall, type StatusObject, status } from "@grpc/grpc-js";
import { Breakers, type Env, type ReportEnd, type Verdict, verdictOf } from "../breaker-core.ts";
import type { Timer } from "../context.ts";
import { isLocal, localStatus } from "../status.ts";

export {
  BREAKER_DEFAULTS,
  type BreakerEvent,
  Breakers,
  type BreakersOptions,
  type CircuitView,
  verdictOf,
} from "../breaker-core.ts";

type LowerCall = ReturnType<NextCall>;
type CallOptions = Parameters<NextCall>[0];
type Listener = NonNullable<Parameters<LowerCall["start"]>[1]>;

export interface BreakerOptions {
  /** What the channel connects to. */
  target: string;
  /** @default a registry of this interceptor alone */
  breakers?: Breakers;
}

/** Asks for leave in `start`; a call that is refused goes no further down. */
export function breaker(options: BreakerOptions, env: Env = {}): Interceptor {
  const { target, breakers, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`Cannot build breaker: there is no option "${unknown}"`);
  const circuits = breakers ?? new Breakers({}, env);
  return (call, nextCall) => {
    let lower: LowerCall | undefined;
    return new InterceptingCall({
      start(metadata, listener = {}) {
        const answer = circuits.admit(target, call.method_definition.path);
        if (typeof answer === "number") return refuse(target, call, answer, listener);
        try {
          lower = nextCall(call);
          lower.start(metadata, reporting(circuits, call, answer, listener));
        } catch (error) {
          // A mistake of this process.
          answer("ignored", false);
          throw error;
        }
      },
      // A stream expects the callback in a later turn.
      sendMessageWithContext: (context, message) =>
        lower ? lower.sendMessageWithContext(context, message) : queueMicrotask(context.callback ?? (() => undefined)),
      sendMessage: (message) => lower?.sendMessage(message),
      halfClose: () => lower?.halfClose(),
      startRead: () => lower?.startRead(),
      cancelWithStatus: (code, details) => lower?.cancelWithStatus(code, details),
      getPeer: () => lower?.getPeer() ?? "",
      getAuthContext: () => lower?.getAuthContext() ?? null,
    });
  };
}

/** In a later turn: a stream's caller has no listener for errors before it has the stream. */
function refuse(target: string, { method_definition: method }: CallOptions, waitMs: number, listener: Listener): void {
  const result = localStatus(status.UNAVAILABLE, `Cannot call "${method.path}" of "${target}": the circuit is open`, {
    reason: "CIRCUIT_OPEN",
    metadata: { target, method: method.path },
    retryAfterMs: waitMs === Infinity ? undefined : Math.ceil(waitMs),
  });
  queueMicrotask(() => {
    if (!method.responseStream) listener.onReceiveMessage?.(null);
    listener.onReceiveStatus?.(result);
  });
}

/** Passes everything on, and reports the end. */
function reporting(circuits: Breakers, options: CallOptions, report: ReportEnd, listener: Listener): Listener {
  const { slowCallMs, longStreamMs, minBudgetMs, countResourceExhausted } = circuits.rules;
  const startedAt = circuits.clock.now();
  const budgetMs = Number(options.deadline ?? Infinity) - startedAt;
  const isStream = options.method_definition.responseStream;
  let timer: Timer | undefined;
  const end = (verdict: Verdict): void => {
    timer?.cancel();
    report(verdict, !isStream && circuits.clock.now() - startedAt > slowCallMs);
  };
  const verdict = (result: StatusObject): Verdict => {
    const tooShort = result.code === status.DEADLINE_EXCEEDED && budgetMs < minBudgetMs;
    return tooShort || isLocal(result) ? "ignored" : verdictOf(result.code, countResourceExhausted);
  };
  return {
    onReceiveMetadata: (metadata) => listener.onReceiveMetadata?.(metadata),
    onReceiveMessage(message) {
      // Once the time is up, whatever ends the stream says nothing of how it began.
      if (isStream) {
        timer ??= circuits.clock.setTimeout(() => end("success"), startedAt + longStreamMs - circuits.clock.now());
      }
      listener.onReceiveMessage?.(message);
    },
    onReceiveStatus(result) {
      end(verdict(result));
      listener.onReceiveStatus?.(result);
    },
  };
}
