// SPDX-License-Identifier: MIT
/**
 * Copy:    server/deadline.ts
 * Place:   server, after drain and before load-shed: outside of all that costs something.
 * Does:    gives every call a finite deadline, refuses one whose time is over, and ends the call when its time is: the
 *          handler's signal is aborted, the client has DEADLINE_EXCEEDED even from a handler that ignores it.
 * Doesn't: stop a handler that ignores its signal; it works on for nobody.
 * With:    context.ts, status.ts
 * Source:  grpc-js, server-interceptors.ts: it ends a call at its deadline below the interceptors, which hear onCancel only.
 */
import { randomUUID } from "node:crypto";
import {
  ServerInterceptingCall,
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
    let own: RpcContext | undefined;
    let timer: Timer | undefined;
    let ended = false;
    const end = (): void => {
      ended = true;
      timer?.cancel();
    };
    const within = (work: () => void): void => (own === undefined ? work() : rpcContext.run(own, work));

    const begin = (work: () => void): void => {
      const now = clock.now();
      const outer = rpcContext.get();
      const ends = effectiveDeadline(outer?.deadline ?? readDeadline(call.getDeadline(), now), now, [
        methods?.(path)?.deadlineMs ?? Infinity,
        requestStream || responseStream ? streamMaxMs : unaryMaxMs,
      ]);
      if (ends <= now) {
        end();
        call.sendStatus(deadlineExceeded());
        return;
      }
      own = outer === undefined ? newContext({ ...newIds(), deadline: ends }) : { ...outer, deadline: ends };
      timer = clock.setTimeout(() => {
        // The status first: what the handler does about its signal comes too late to be a second one.
        end();
        call.sendStatus(deadlineExceeded());
        own?.cancel(deadlinePassed());
      }, ends - now);
      within(work);
    };

    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, nextMetadata) => begin(() => nextMetadata(metadata)),
          onReceiveMessage: (message, nextMessage) => within(() => nextMessage(message)),
          onReceiveHalfClose: (nextHalfClose) => within(nextHalfClose),
          onCancel: () => {
            if (ended || own === undefined) return;
            end();
            const code = classifyEnd({ unseen: unseenStatus.get(), now: clock.now(), deadline: own.deadline });
            own.cancel(code === status.DEADLINE_EXCEEDED ? deadlinePassed() : callerGone());
          },
        }),
      // What still comes from a handler whose time is over goes nowhere.
      sendMessage: (message, next) => {
        if (!ended) next(message);
      },
      sendStatus: (result, next) => {
        if (ended) return;
        end();
        next(result);
      },
    });
  };
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
