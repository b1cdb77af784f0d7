// SPDX-License-Identifier: MIT
/**
 * Copy:    context.ts
 * Place:   beside client/ and server/; most files import it.
 * Does:    says what a call carries from hop to hop, and keeps it for the code that runs on the call's behalf; has what
 *          else all files need: time as an argument, observers that do no harm.
 * Doesn't: touch the wire; server/context.ts reads it from there, client/context.ts writes it.
 * With:    -
 * Source:  W3C Trace Context; gRPC core's deadline and cancellation propagation.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { StatusObject } from "@grpc/grpc-js";

/** Time as an argument: a test hands in one that it moves by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs once, `ms` from now: at once from 0 down, never for Infinity. */
  setTimeout(run: () => void, ms: number): Timer;
}

export interface Timer {
  /** Without effect once it has run. */
  cancel(): void;
}

/** The longest that Node's own timers wait; a longer one fires at once. Unit: milliseconds. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The time of this machine. */
export const systemClock: Clock = {
  now: Date.now,
  setTimeout: (run, ms) => new SystemTimer(run, ms),
};

class SystemTimer implements Timer {
  readonly #run: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(run: () => void, ms: number) {
    this.#run = run;
    if (ms !== Infinity) this.#arm(Math.max(0, ms));
  }

  #arm(left: number): void {
    const step = Math.min(left, LONGEST_TIMEOUT_MS);
    this.#timer = left > step ? setTimeout(() => this.#arm(left - step), step) : setTimeout(this.#run, step);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}

/** The observer, such that what it throws, or comes to if it is async, is a warning: no call and no process ends by it. */
export function harmless<Event>(observe: ((event: Event) => void) | undefined): ((event: Event) => void) | undefined {
  if (observe === undefined) return undefined;
  const warn = (error: unknown): void => process.emitWarning(error instanceof Error ? error : String(error));
  return (event) => {
    try {
      const result: unknown = observe(event);
      if (result instanceof Promise) result.catch(warn);
    } catch (error) {
      warn(error);
    }
  };
}

/** What is dropped last under load comes first. It is decided by the method's policy, never by an outside caller. */
export type Priority = "critical" | "default" | "sheddable";

/** W3C Trace Context of one span. */
export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits, not all zero: the span that calls made from here are children of. */
  readonly spanId: string;
  readonly sampled: boolean;
  /** `tracestate`, handed on as it came. */
  readonly state?: string;
  /** `baggage`, handed on as it came. */
  readonly baggage?: string;
}

/** Who calls, once that has been verified. */
export interface Principal {
  /** Unique among all principals: idempotency keys and quotas count per id. */
  readonly id: string;
  readonly roles: readonly string[];
}

/** What a call carries from hop to hop. */
export interface RpcContext {
  /** When the call's time is over, in milliseconds since the epoch. Infinity: nobody has set a limit. */
  readonly deadline: number;
  /** Aborted when the deadline passes or the caller goes away, and not by a normal end. */
  readonly signal: AbortSignal;
  /** Names the chain of calls in logs; `x-request-id` on the wire. */
  readonly requestId: string;
  readonly trace: TraceContext;
  /** Undefined until authenticated. */
  readonly principal?: Principal;
  readonly priority: Priority;
  /** How many times the caller tried before: `grpc-previous-rpc-attempts`. */
  readonly previousAttempts: number;
  /** How many more attempts all calls made on behalf of this one may spend together on retries. Infinity at the edge. */
  readonly retryCredit: number;
  /** What the retries of those calls came to. Written by client/retry.ts, read by server/context.ts. */
  readonly retries: { exhausted: boolean };
  /** Aborts the signal. Without effect the second time. */
  cancel(reason: Error): void;
}

const storage = new AsyncLocalStorage<RpcContext>();

/** The context of the call that is being handled: kept for client calls made on its behalf, however deep. */
export const rpcContext = {
  get: (): RpcContext | undefined => storage.getStore(),
  run: <T>(context: RpcContext, work: () => T): T => storage.run(context, work),
  /** Says more of a call, to all that handle it: it costs less than to run them in another context. */
  amend(context: RpcContext, more: Partial<Pick<RpcContext, "deadline" | "trace" | "principal">>): void {
    Object.assign(context, more);
  },
  /** Runs work that must outlive the call that started it: no deadline, no cancellation; trace and request id stay. */
  detached<T>(work: () => T): T {
    const context = storage.getStore();
    if (context === undefined) return work();
    const { trace, requestId, priority, principal } = context;
    return storage.run(newContext({ trace, requestId, priority, ...(principal && { principal }) }), work);
  },
};

/** A context with what is given, and for the rest what holds at the edge of the system. */
export function newContext(known: Partial<RpcContext> & Pick<RpcContext, "requestId" | "trace">): RpcContext {
  const controller = new AbortController();
  return {
    deadline: Infinity,
    signal: controller.signal,
    priority: "default",
    previousAttempts: 0,
    retryCredit: Infinity,
    retries: { exhausted: false },
    cancel: (reason) => controller.abort(reason),
    ...known,
  };
}

let unseen: StatusObject | undefined;

/**
 * How a status that grpc-js made by itself reaches the interceptors: they hear of the call's end as a mere onCancel, and
 * while they do, `get` says with which status it went. Set by server/status-guard.ts.
 */
export const unseenStatus = {
  get: (): StatusObject | undefined => unseen,
  during(status: StatusObject | undefined, tell: () => void): void {
    const before = unseen;
    unseen = status;
    try {
      tell();
    } finally {
      unseen = before;
    }
  },
};
