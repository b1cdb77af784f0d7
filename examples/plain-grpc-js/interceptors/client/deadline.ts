// SPDX-License-Identifier: MIT
/**
 * Copy:    client/deadline.ts
 * Place:   client, third: inside context, call telemetry and error decode, outside everything that may wait.
 * Does:    gives every call one absolute deadline, the earliest of what the call, its parent, its method and the hard
 *          maximum say; grpc-js puts it on the wire. Cancels the call when its parent is cancelled or out of time.
 * Doesn't: limit a single attempt (client/attempt-timeout.ts), nor stop a handler (server/deadline.ts).
 * With:    context.ts, status.ts
 * Source:  gRPC core's deadline and cancellation propagation.
 */
import { InterceptingCall, type Interceptor, type NextCall, type StatusObject, status } from "@grpc/grpc-js";
import { type Clock, harmless, rpcContext, systemClock } from "../context.ts";
import { localStatus } from "../status.ts";

type LowerCall = ReturnType<NextCall>;
type Listener = Required<NonNullable<Parameters<LowerCall["start"]>[1]>>;

export interface DeadlineOptions {
  /** What the contract says of a method; `deadlineMs` is the longest that a call of it may take. */
  methods: (path: string) => { deadlineMs?: number | undefined } | undefined;
  /** The longest that a call of a method without `deadlineMs` may take. No default: see `allowInfinite`. */
  defaultMs?: number;
  /** The longest that any call may take, whatever it asks for. @default Infinity */
  hardMaxMs?: number;
  /**
   * Lets calls that nobody has set a limit for run for ever. "streams": only streaming calls, and `defaultMs` does not
   * hold for them; they end by idle time or maximum age instead. @default false
   */
  allowInfinite?: boolean | "streams";
  /** Part of the parent's remaining time that is kept back to answer in, 0 to 1. @default 0.05 */
  marginRatio?: number;
  /** Least time kept back. @default 5 */
  minMarginMs?: number;
  /** Most time kept back. @default 50 */
  maxMarginMs?: number;
  /** Told what happens to a call because of its deadline. */
  observe?: (event: DeadlineEvent) => void;
}

export type DeadlineEvent =
  /** There was no time to call anybody. */
  | { kind: "refused"; path: string; leftMs: number }
  /** The parent was cancelled or ran out of time, and the call with it. */
  | { kind: "cancelled"; path: string };

/** Where a call's deadline may come from. Points in time are milliseconds since the epoch; Infinity: not limited. */
export interface DeadlineSources {
  now: number;
  /** What this call asks for. */
  explicit: number;
  /** The deadline of the call on whose behalf this one is made. */
  inherited: number;
  /** The method's own limit. */
  defaultMs: number;
  hardMaxMs: number;
}

/** How much of an inherited deadline is kept back. */
export interface Margin {
  marginRatio: number;
  minMarginMs: number;
  maxMarginMs: number;
}

/**
 * 24.8 days, in whole seconds. A grpc-js server computes with 32 bits: of a longer grpc-timeout it makes one that is over,
 * and ends the call at once. A client that is asked for thousands of years throws. Unit: milliseconds.
 */
const FARTHEST_MS = 2_147_483_000;

/**
 * The earliest of all sources, less the margin for the inherited one; at most 24.8 days away.
 *
 * @returns Undefined when no time is left: there is no point in calling anybody.
 */
export function effectiveDeadline(sources: DeadlineSources, margin: Margin): number | undefined {
  const { now, explicit, inherited, defaultMs, hardMaxMs } = sources;
  const kept = Math.min(margin.maxMarginMs, Math.max(margin.minMarginMs, (inherited - now) * margin.marginRatio));
  // An invalid Date is no limit; the other sources hold.
  const asked = Number.isNaN(explicit) ? Infinity : explicit;
  const earliest = Math.min(asked, inherited - kept, now + defaultMs, now + hardMaxMs);
  if (earliest <= now) return undefined;
  return earliest === Infinity ? Infinity : Math.min(earliest, now + FARTHEST_MS);
}

/** Gives every call its deadline, and ends it with its parent. */
export function deadline(
  options: DeadlineOptions,
  { clock = systemClock }: { clock?: Clock | undefined } = {},
): Interceptor {
  const { methods } = options;
  const observe = harmless(options.observe);
  const { defaultMs, hardMaxMs, allowInfinite, ...margin } = checked(options);
  return (call, nextCall) => {
    const { path, requestStream, responseStream } = call.method_definition;
    const parent = rpcContext.get();
    const now = clock.now();
    const own = requestStream || responseStream ? (allowInfinite === "streams" ? Infinity : defaultMs) : defaultMs;
    const sources = {
      now,
      explicit: call.deadline === undefined ? Infinity : Number(call.deadline),
      inherited: parent?.deadline ?? Infinity,
      defaultMs: methods(path)?.deadlineMs ?? own,
      hardMaxMs,
    };
    const effective = effectiveDeadline(sources, margin);
    if (effective === undefined) {
      const leftMs = Math.min(sources.explicit, sources.inherited) - now;
      observe?.({ kind: "refused", path, leftMs });
      return rejected(tooShort(path, leftMs), responseStream);
    }
    if (parent?.signal.aborted) {
      observe?.({ kind: "cancelled", path });
      return rejected(parentGone(path), responseStream);
    }
    const lower = nextCall({ ...call, deadline: effective });
    if (parent === undefined) return lower as InterceptingCall;
    return endedBy(parent.signal, lower, () => observe?.({ kind: "cancelled", path }));
  };
}

/** The call, cancelled when the signal is. The signal lives longer than most calls: each takes its listener away again. */
function endedBy(signal: AbortSignal, lower: LowerCall, onCancel: () => void): InterceptingCall {
  return new InterceptingCall(lower, {
    start(metadata, listener, next) {
      const cancel = (): void => {
        onCancel();
        lower.cancelWithStatus(status.CANCELLED, "The call on whose behalf this one was made has ended");
      };
      signal.addEventListener("abort", cancel, { once: true });
      const heard: Listener = {
        onReceiveMetadata: (received) => listener.onReceiveMetadata(received),
        onReceiveMessage: (message) => listener.onReceiveMessage(message),
        onReceiveStatus: (result) => {
          signal.removeEventListener("abort", cancel);
          listener.onReceiveStatus(result);
        },
      };
      next(metadata, heard);
    },
  });
}

/** A call that ends before the wire is touched, in a later turn than its start as every other call does. */
function rejected(result: StatusObject, responseStream: boolean): InterceptingCall {
  const call: LowerCall = {
    start: (_, listener) =>
      process.nextTick(() => {
        if (!responseStream) listener?.onReceiveMessage?.(null);
        listener?.onReceiveStatus?.(result);
      }),
    // A writer waits for this before it ends.
    sendMessageWithContext: (context) => context.callback?.(),
    sendMessage: () => undefined,
    startRead: () => undefined,
    halfClose: () => undefined,
    cancelWithStatus: () => undefined,
    getPeer: () => "unknown",
    getAuthContext: () => null,
  };
  return new InterceptingCall(call);
}

function tooShort(path: string, leftMs: number): StatusObject {
  return localStatus(status.DEADLINE_EXCEEDED, `Cannot call ${path}: ${Math.floor(leftMs)} ms left`, {
    reason: "DEADLINE_TOO_SHORT",
    metadata: { method: path, left_ms: String(Math.floor(leftMs)) },
  });
}

function parentGone(path: string): StatusObject {
  const text = `Cannot call ${path}: the call on whose behalf it would be made has ended`;
  return localStatus(status.CANCELLED, text, { reason: "CANCELLED", metadata: { method: path } });
}

function checked(options: DeadlineOptions) {
  const { defaultMs = Infinity, hardMaxMs = Infinity, allowInfinite = false } = options;
  const { marginRatio = 0.05, minMarginMs = 5, maxMarginMs = 50 } = options;
  if (options.defaultMs === undefined && allowInfinite !== true) {
    throw new TypeError("Cannot build deadline: defaultMs must be set, or allowInfinite true");
  }
  for (const [name, value, max] of [
    ["defaultMs", defaultMs, Infinity],
    ["hardMaxMs", hardMaxMs, Infinity],
    ["marginRatio", marginRatio, 1],
    ["minMarginMs", minMarginMs, maxMarginMs],
    ["maxMarginMs", maxMarginMs, Infinity],
  ] as const) {
    const least = name === "defaultMs" || name === "hardMaxMs" ? 1 : 0;
    if (value >= least && value <= max) continue;
    throw new RangeError(`Cannot build deadline: ${name} must be ${least} to ${max}, is ${value}`);
  }
  return { defaultMs, hardMaxMs, allowInfinite, marginRatio, minMarginMs, maxMarginMs };
}
