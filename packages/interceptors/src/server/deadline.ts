// SPDX-License-Identifier: MIT
/**
 * Copy:    server/deadline.ts
 * Place:   server, after drain and before load-shed: outside of all that costs something.
 * Does:    gives every call a finite deadline, refuses one whose time is over, and ends the call when its time is: the
 *          handler's signal is aborted, the client has DEADLINE_EXCEEDED even from a handler that ignores it.
 * Doesn't: stop a handler that ignores its signal; it works on for nobody.
 * With:    context.ts, passing-call.ts, status.ts
 * Source:  grpc-js, server-interceptors.ts: it ends a call at its deadline below the interceptors, which hear onCancel only.
 */
import { randomUUID } from "node:crypto";
import {
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import {
  type Clock,
  newContext,
  type RpcContext,
  rpcContext,
  systemClock,
  type Timer,
  unseenStatus,
} from "../context.ts";
import { asCall, PassingCall, type PartialStatus } from "../passing-call.ts";
import { statusOf } from "../status.ts";

export interface DeadlineOptions {
  /** What the contract says of a method: how long a call of it may take, even if its caller would wait longer. */
  methods?: (path: string) => { deadlineMs?: number } | undefined;
  /** Longest that any unary call may take, and the deadline of one that came without. Unit: milliseconds. @default 30_000 */
  unaryMaxMs?: number;
  /** The same for calls that stream. Infinity is allowed here. Unit: milliseconds. @default 3_600_000 */
  streamMaxMs?: number;
}

export interface Env {
  clock?: Clock;
}

/** Ends every call in time. */
export function deadline(
  { methods, unaryMaxMs = 30_000, streamMaxMs = 3_600_000 }: DeadlineOptions = {},
  { clock = systemClock }: Env = {},
): ServerInterceptor {
  if (!(unaryMaxMs > 0 && unaryMaxMs < Infinity)) {
    throw new RangeError(`Cannot build deadline: unaryMaxMs must be above 0 and finite, is ${unaryMaxMs}`);
  }
  if (!(streamMaxMs > 0)) throw new RangeError(`Cannot build deadline: streamMaxMs must be above 0, is ${streamMaxMs}`);

  return ({ path, requestStream, responseStream }, call) => {
    const limitMs = requestStream || responseStream ? streamMaxMs : unaryMaxMs;
    return asCall(new TimedCall(call, Math.min(methods?.(path)?.deadlineMs ?? Infinity, limitMs), clock));
  };
}

class TimedCall extends PassingCall {
  readonly #limitMs: number;
  readonly #clock: Clock;
  #context: RpcContext | undefined;
  /** Whether those further in have the context from here. */
  #own = false;
  #timer: Timer | undefined;
  #ended = false;

  constructor(call: ServerInterceptingCallInterface, limitMs: number, clock: Clock) {
    super(call);
    this.#limitMs = limitMs;
    this.#clock = clock;
  }

  override onReceiveMetadata(metadata: Metadata): void {
    const now = this.#clock.now();
    const outer = rpcContext.get();
    const deadline = effectiveDeadline(outer?.deadline ?? readDeadline(this.getDeadline(), now), now, [this.#limitMs]);
    if (deadline <= now) {
      this.#ended = true;
      return this.refuse(deadlineExceeded());
    }
    if (outer !== undefined) rpcContext.amend(outer, { deadline });
    this.#own = outer === undefined;
    this.#context = outer ?? newContext({ ...newIds(), deadline });
    this.#timer = this.#clock.setTimeout(() => this.#expire(), deadline - now);
    this.#within(() => super.onReceiveMetadata(metadata));
  }

  override onReceiveMessage(message: unknown): void {
    this.#within(() => super.onReceiveMessage(message));
  }

  override onReceiveHalfClose(): void {
    this.#within(() => super.onReceiveHalfClose());
  }

  override onCancel(): void {
    if (!this.#ended && this.#context !== undefined) {
      this.#end();
      const { deadline } = this.#context;
      const code = classifyEnd({ unseen: unseenStatus.get(), now: this.#clock.now(), deadline });
      this.#context.cancel(code === status.DEADLINE_EXCEEDED ? deadlinePassed() : callerGone());
    }
    super.onCancel();
  }

  // What still comes from a handler whose time is over goes nowhere.
  override sendMessage(message: unknown, sent: () => void): void {
    if (!this.#ended) super.sendMessage(message, sent);
  }

  override sendStatus(result: PartialStatus): void {
    if (this.#ended) return;
    this.#end();
    super.sendStatus(result);
  }

  /** The status first: what the handler does about its signal comes too late to be a second one. */
  #expire(): void {
    this.sendStatus(deadlineExceeded());
    this.#context?.cancel(deadlinePassed());
  }

  #end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  #within(work: () => void): void {
    if (this.#own && this.#context !== undefined) rpcContext.run(this.#context, work);
    else work();
  }
}

/** The earliest of what the client says and what the limits are, in milliseconds since the epoch. */
export function effectiveDeadline(wire: number, now: number, limitsMs: readonly number[]): number {
  return Math.min(wire, ...limitsMs.map((each) => now + each));
}

/**
 * How a call ended that onCancel was called for. It is called after every normal end too, and is all that interceptors
 * hear of statuses that grpc-js makes by itself.
 */
export function classifyEnd(end: {
  /** The status that went through the interceptors. */
  sent?: Pick<StatusObject, "code"> | undefined;
  /** The status that grpc-js made, where server/status-guard.ts tells of it. */
  unseen?: Pick<StatusObject, "code"> | undefined;
  now: number;
  deadline: number;
}): status {
  const seen = end.sent ?? end.unseen;
  if (seen !== undefined) return seen.code;
  return end.now >= end.deadline ? status.DEADLINE_EXCEEDED : status.CANCELLED;
}

/**
 * When the client wants its answer, in milliseconds since the epoch. grpc-js keeps a timeout in 32 bits: one of more than
 * 24.8 days comes out as negative. No timeout is negative, so that is how to tell.
 */
function readDeadline(wire: ReturnType<ServerInterceptingCallInterface["getDeadline"]>, now: number): number {
  return Number(wire) < now - 1_000 ? Infinity : Number(wire);
}

const deadlinePassed = () => new DOMException("The deadline passed", "TimeoutError");
const callerGone = () => new DOMException("The caller went away", "AbortError");
const deadlineExceeded = () =>
  statusOf(status.DEADLINE_EXCEEDED, "The deadline passed", { reason: "DEADLINE_EXCEEDED" });

/** For a call that no server/context.ts has given any. */
function newIds(): Pick<RpcContext, "requestId" | "trace"> {
  const requestId = randomUUID();
  const spanId = randomUUID().slice(19).replace("-", "");
  return { requestId, trace: { traceId: requestId.replaceAll("-", ""), spanId, sampled: false } };
}
