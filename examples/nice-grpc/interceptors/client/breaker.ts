// SPDX-License-Identifier: MIT
/**
 * Copy:    client/breaker.ts
 * Place:   client, inside retry and hedging (every attempt counts), outside the concurrency limit (its refusals do not).
 * Does:    refuses calls to a method, or a whole target, that mostly fails, and lets a few through later to see.
 * Doesn't: judge single hosts, which is outlier detection's; share its state: each process finds out for itself.
 * With:    breaker-core.ts, context.ts, status.ts
 * Source:  AIP-193 for ErrorInfo and RetryInfo.
 */
import {
  type InterceptingCall,
  type Interceptor,
  type Metadata,
  type NextCall,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { Breakers, type Env, type ReportEnd, type Verdict } from "../breaker-core.ts";
import type { Timer } from "../context.ts";
import { isLocal, localStatus } from "../status.ts";

export {
  BREAKER_DEFAULTS,
  type BreakerEvent,
  Breakers,
  type BreakersOptions,
  type CircuitView,
} from "../breaker-core.ts";

type LowerCall = ReturnType<NextCall>;
type CallOptions = Parameters<NextCall>[0];
type MessageContext = Parameters<LowerCall["sendMessageWithContext"]>[0];
type Listener = NonNullable<Parameters<LowerCall["start"]>[1]>;

export interface BreakerOptions {
  /** What the channel connects to. */
  target: string;
  /** @default a registry of this interceptor alone */
  breakers?: Breakers;
}

const { UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL, UNKNOWN, DATA_LOSS, RESOURCE_EXHAUSTED, CANCELLED } = status;
const FAILURES = new Set([UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL, UNKNOWN, DATA_LOSS, RESOURCE_EXHAUSTED]);

/** What a status says of the server. An error that only the caller can mend is a success: the server answered. */
export function verdictOf(code: status, countResourceExhausted = true): Verdict {
  if (code === CANCELLED || (code === RESOURCE_EXHAUSTED && !countResourceExhausted)) return "ignored";
  return FAILURES.has(code) ? "failure" : "success";
}

/** Asks for leave in `start`; a call that is refused goes no further down. */
export function breaker(options: BreakerOptions, env: Env = {}): Interceptor {
  const { target, breakers, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`Cannot build breaker: there is no option "${unknown}"`);
  const circuits = breakers ?? new Breakers({}, env);
  return (call, nextCall) => {
    const guarded: LowerCall = new GuardedCall({ circuits, target }, call, nextCall);
    return guarded as InterceptingCall;
  };
}

/** Passes everything on once it has leave to start, and reports the end. */
class GuardedCall implements LowerCall {
  readonly #by: { circuits: Breakers; target: string };
  readonly #options: CallOptions;
  readonly #nextCall: NextCall;
  #lower: LowerCall | undefined;
  #listener: Listener = {};
  #report: ReportEnd = () => undefined;
  #startedAt = 0;
  #timer: Timer | undefined;

  constructor(by: { circuits: Breakers; target: string }, options: CallOptions, nextCall: NextCall) {
    this.#by = by;
    this.#options = options;
    this.#nextCall = nextCall;
  }

  start(metadata: Metadata, listener: Listener = {}): void {
    const { circuits, target } = this.#by;
    const answer = circuits.admit(target, this.#options.method_definition.path);
    if (typeof answer === "number") return refuse(target, this.#options, answer, listener);
    this.#listener = listener;
    this.#report = answer;
    this.#startedAt = circuits.clock.now();
    try {
      this.#lower = this.#nextCall(this.#options);
      this.#lower.start(metadata, this);
    } catch (error) {
      // A mistake of this process.
      answer("ignored", false);
      throw error;
    }
  }
  sendMessageWithContext(context: MessageContext, message: unknown): void {
    if (this.#lower) this.#lower.sendMessageWithContext(context, message);
    // A stream expects the callback in a later turn.
    else if (context.callback) queueMicrotask(context.callback);
  }
  sendMessage(message: unknown): void {
    this.#lower?.sendMessage(message);
  }
  halfClose(): void {
    this.#lower?.halfClose();
  }
  startRead(): void {
    this.#lower?.startRead();
  }
  cancelWithStatus(code: status, details: string): void {
    this.#lower?.cancelWithStatus(code, details);
  }
  getPeer(): string {
    return this.#lower?.getPeer() ?? "";
  }
  getAuthContext(): ReturnType<LowerCall["getAuthContext"]> {
    return this.#lower?.getAuthContext() ?? null;
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#listener.onReceiveMetadata?.(metadata);
  }
  onReceiveMessage(message: unknown): void {
    const { clock, rules } = this.#by.circuits;
    if (this.#options.method_definition.responseStream) {
      // Once the time is up, whatever ends the stream says nothing of how it began.
      this.#timer ??= clock.setTimeout(() => this.#end("success"), this.#startedAt + rules.longStreamMs - clock.now());
    }
    this.#listener.onReceiveMessage?.(message);
  }
  onReceiveStatus(result: StatusObject): void {
    const { minBudgetMs, countResourceExhausted } = this.#by.circuits.rules;
    const budgetMs = Number(this.#options.deadline ?? Infinity) - this.#startedAt;
    const tooShort = result.code === status.DEADLINE_EXCEEDED && budgetMs < minBudgetMs;
    this.#end(tooShort || isLocal(result) ? "ignored" : verdictOf(result.code, countResourceExhausted));
    this.#listener.onReceiveStatus?.(result);
  }

  #end(verdict: Verdict): void {
    const { clock, rules } = this.#by.circuits;
    this.#timer?.cancel();
    const isStream = this.#options.method_definition.responseStream;
    this.#report(verdict, !isStream && clock.now() - this.#startedAt > rules.slowCallMs);
  }
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
