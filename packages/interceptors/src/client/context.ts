// SPDX-License-Identifier: MIT
/**
 * Copy:    client/context.ts
 * Place:   client, outermost: everything inside sees the request id and the trace in the metadata.
 * Does:    puts x-request-id, traceparent, tracestate, baggage and x-priority of the call that is being handled on each
 *          call made on its behalf; at the edge, where there is none, begins a new request and a new trace.
 * Doesn't: set deadlines (client/deadline.ts) or credentials (client/auth.ts); send baggage or priority to strangers.
 * With:    context.ts
 * Source:  W3C Trace Context, W3C Baggage; RFC 9562 for the request id (UUIDv7).
 */
import { randomUUID } from "node:crypto";
import { InterceptingCall, type Interceptor, type Metadata } from "@grpc/grpc-js";
import { type Clock, type Priority, type RpcContext, rpcContext, systemClock } from "../context.ts";

export interface ContextOptions {
  /** What the contract says of a method: its priority wins over the inherited one. */
  methods: (path: string) => { priority?: Priority | undefined } | undefined;
  /** Whether the target is one of our own services: only those learn priority and baggage. No default: a wrong one leaks. */
  trusted: boolean;
  /** Part of the traces begun here that are recorded, 0 to 1. @default 1 */
  sampleRatio?: number;
}

export interface ContextEnv {
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  /** A random UUID, version 4. */
  uuid?: (() => string) | undefined;
}

/** Tells client/telemetry.ts that the trace begins with this call: the span named in traceparent is the call's own. */
const ROOT_SPAN: unique symbol = Symbol.for("grpc.root-span");

const REQUEST_ID = /^[\w.-]{8,128}$/;
/** What a metadata value may hold; grpc-js throws at anything else, and a trace is not worth a failed call. */
const SENDABLE = /^[ -~]+$/;

/** UUIDv7: a UUIDv4 whose first 48 bits are replaced by the time, so that ids sort by it. */
export function uuidv7(now: number, uuid: string): string {
  const time = Math.floor(now).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${uuid.slice(15)}`;
}

/** Puts what the context says into the metadata. A request id that the caller has set there stays. */
export function writeContext(
  metadata: Metadata,
  { requestId, trace }: Pick<RpcContext, "requestId" | "trace">,
  priority: Priority | undefined,
): void {
  const own = metadata.get("x-request-id");
  if (own.length !== 1 || !REQUEST_ID.test(String(own[0]))) metadata.set("x-request-id", requestId);
  metadata.set("traceparent", `00-${trace.traceId}-${trace.spanId}-${trace.sampled ? "01" : "00"}`);
  replace(metadata, "tracestate", trace.state);
  replace(metadata, "baggage", priority && trace.baggage);
  replace(metadata, "x-priority", priority);
}

/** Carries request id, trace and priority to the next service. */
export function context(
  { methods, trusted, sampleRatio = 1 }: ContextOptions,
  { clock = systemClock, random = Math.random, uuid = randomUUID }: ContextEnv = {},
): Interceptor {
  if (typeof trusted !== "boolean") throw new TypeError("Cannot build context: trusted must be true or false");
  if (!(sampleRatio >= 0 && sampleRatio <= 1)) {
    throw new RangeError(`Cannot build context: sampleRatio must be 0 to 1, is ${sampleRatio}`);
  }
  const begin = (): Pick<RpcContext, "requestId" | "trace"> => {
    const [trace, span] = [uuid(), uuid()];
    return {
      requestId: uuidv7(clock.now(), uuid()),
      // The last 14 digits of a UUID are random, as those of a trace id should be.
      trace: {
        traceId: trace.replaceAll("-", ""),
        spanId: span.slice(24) + span.slice(0, 4),
        sampled: random() < sampleRatio,
      },
    };
  };
  return (options, nextCall) => {
    // Read now: what is called later may run on another call's behalf.
    const parent = rpcContext.get();
    const priority = methods(options.method_definition.path)?.priority ?? parent?.priority ?? "default";
    const root = parent === undefined && { [ROOT_SPAN]: true };
    return new InterceptingCall(nextCall({ ...options, ...root }), {
      start(metadata, listener, next) {
        // The caller may use its Metadata for the next call as well.
        const stamped = metadata.clone();
        writeContext(stamped, parent ?? begin(), trusted ? priority : undefined);
        next(stamped, listener);
      },
    });
  };
}

function replace(metadata: Metadata, key: string, value: string | undefined): void {
  if (value !== undefined && SENDABLE.test(value)) metadata.set(key, value);
  else metadata.remove(key);
}
