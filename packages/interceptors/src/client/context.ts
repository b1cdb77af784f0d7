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
import { randomBytes } from "node:crypto";
import { InterceptingCall, type Interceptor, type Metadata, type NextCall } from "@grpc/grpc-js";
import { type Clock, type Priority, type RpcContext, rpcContext, systemClock } from "../context.ts";

type LowerCall = ReturnType<NextCall>;
type Listener = Parameters<LowerCall["start"]>[1];
type Sent = Pick<RpcContext, "requestId" | "trace">;

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
  /** So many random bytes, in lower-case hex digits. */
  hex?: ((bytes: number) => string) | undefined;
}

/** Tells client/telemetry.ts that the trace begins with this call: the span named in traceparent is the call's own. */
const ROOT_SPAN: unique symbol = Symbol.for("grpc.root-span");

const REQUEST_ID = /^[\w.-]{8,128}$/;
/** What a metadata value may hold; grpc-js throws at anything else, and a trace is not worth a failed call. */
const SENDABLE = /^[ -~]+$/;

/** UUIDv7 of 20 random hex digits: its first 48 bits are the time, so that ids sort by it. */
export function uuidv7(now: number, hex: string): string {
  const time = Math.floor(now).toString(16).padStart(12, "0");
  const variant = "89ab".charAt(Number.parseInt(hex.charAt(3), 16) % 4);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(4, 7)}-${hex.slice(7, 19)}`;
}

/** Four KiB of random bytes cost little more than eight: they are fetched together, and each is used once. */
let pool = Buffer.alloc(0);
let used = 0;

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    pool = randomBytes(4_096);
    used = 0;
  }
  used += bytes;
  // Not a piece of one long text: whoever kept an id would keep all of that.
  return pool.toString("hex", used - bytes, used);
}

/** Puts what the context says into the metadata. A request id that the caller has set there stays. */
export function writeContext(metadata: Metadata, { requestId, trace }: Sent, priority: Priority | undefined): void {
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
  { clock = systemClock, random = Math.random, hex = randomHex }: ContextEnv = {},
): Interceptor {
  if (typeof trusted !== "boolean") throw new TypeError("Cannot build context: trusted must be true or false");
  if (!(sampleRatio >= 0 && sampleRatio <= 1)) {
    throw new RangeError(`Cannot build context: sampleRatio must be 0 to 1, is ${sampleRatio}`);
  }
  const begin = (): Sent => ({
    requestId: uuidv7(clock.now(), hex(10)),
    trace: { traceId: hex(16), spanId: hex(8), sampled: random() < sampleRatio },
  });
  return (options, nextCall) => {
    // Read now: what is called later may run on another call's behalf.
    const parent = rpcContext.get();
    const priority = methods(options.method_definition.path)?.priority ?? parent?.priority ?? "default";
    const rooted = { ...options, [ROOT_SPAN]: parent === undefined };
    return new StampedCall(nextCall(rooted), parent ?? begin(), trusted ? priority : undefined);
  };
}

/** Starts with what the context says in the metadata. */
class StampedCall extends InterceptingCall {
  readonly #lower: LowerCall;
  readonly #context: Sent;
  readonly #priority: Priority | undefined;

  constructor(lower: LowerCall, context: Sent, priority: Priority | undefined) {
    super(lower);
    this.#lower = lower;
    this.#context = context;
    this.#priority = priority;
  }

  override start(metadata: Metadata, listener?: Listener): void {
    // The caller may use its Metadata for the next call as well.
    const stamped = metadata.clone();
    writeContext(stamped, this.#context, this.#priority);
    this.#lower.start(stamped, listener);
  }
}

function replace(metadata: Metadata, key: string, value: string | undefined): void {
  if (value !== undefined && SENDABLE.test(value)) metadata.set(key, value);
  else metadata.remove(key);
}
