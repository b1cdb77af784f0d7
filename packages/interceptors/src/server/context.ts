// SPDX-License-Identifier: MIT
/**
 * Copy:    server/context.ts
 * Place:   server, index 1: outside of everything but the status guard.
 * Does:    reads from the metadata what the call carries (request id, trace, priority, deadline, retries), runs all that
 *          handles the call in that context, and cancels it when the caller goes away or the deadline passes.
 * Doesn't: give a deadline to a call that has none, nor end the call at it: server/deadline.ts.
 * With:    context.ts, passing-call.ts
 * Source:  W3C Trace Context and Baggage; RFC 9562 for UUIDv7; gRFC A6 for the retry headers.
 */
import { randomUUID } from "node:crypto";
import { Metadata, type ServerInterceptingCallInterface, type ServerInterceptor, status } from "@grpc/grpc-js";
import {
  type Clock,
  newContext,
  type Priority,
  type RpcContext,
  rpcContext,
  systemClock,
  type TraceContext,
  unseenStatus,
} from "../context.ts";
import { asCall, PassingCall, type PartialStatus } from "../passing-call.ts";

export interface ContextOptions {
  /** What the contract says of a method. */
  methods?: (path: string) => { priority?: Priority } | undefined;
  /** Whether the caller is one of ours, whose `x-priority` counts. @default never */
  trusted?: (call: ServerInterceptingCallInterface, metadata: Metadata) => boolean;
  /** Which part of the traces that begin here is sampled, 0 to 1. @default 1 */
  sampleRatio?: number;
}

export interface Env {
  clock?: Clock;
  random?: () => number;
  /** A random UUID, version 4. */
  uuid?: () => string;
}

/** Makes the context of each call, and runs what handles the call in it. */
export function context(
  { methods, trusted = () => false, sampleRatio = 1 }: ContextOptions = {},
  { clock = systemClock, random = Math.random, uuid = randomUUID }: Env = {},
): ServerInterceptor {
  if (!(sampleRatio >= 0 && sampleRatio <= 1)) {
    throw new RangeError(`Cannot build context: sampleRatio must be 0 to 1, is ${sampleRatio}`);
  }
  const make: Make = (call, path, metadata) => {
    const now = clock.now();
    return newContext({
      deadline: readDeadline(call.getDeadline(), now),
      requestId: readRequestId(one(metadata, "x-request-id")) ?? uuidV7(now, uuid()),
      trace: readTrace(metadata) ?? newTrace(metadata, random() < sampleRatio, uuid),
      priority: (trusted(call, metadata) && readPriority(metadata)) || (methods?.(path)?.priority ?? "default"),
      previousAttempts: readCount(one(metadata, "grpc-previous-rpc-attempts"), 999) ?? 0,
      retryCredit: readCount(one(metadata, "x-retry-credit"), 99) ?? Infinity,
    });
  };
  return ({ path }, call) => asCall(new CallInContext(call, path, make, clock));
}

type Make = (call: ServerInterceptingCallInterface, path: string, metadata: Metadata) => RpcContext;

class CallInContext extends PassingCall {
  readonly #path: string;
  readonly #make: Make;
  readonly #clock: Clock;
  #own: RpcContext | undefined;
  #answered = false;

  constructor(call: ServerInterceptingCallInterface, path: string, make: Make, clock: Clock) {
    super(call);
    this.#path = path;
    this.#make = make;
    this.#clock = clock;
  }

  override onReceiveMetadata(metadata: Metadata): void {
    this.#own = this.#make(this.call, this.#path, metadata);
    this.#within(() => super.onReceiveMetadata(metadata));
  }

  // Each event comes in the turn of a socket, with no context but the one given here.
  override onReceiveMessage(message: unknown): void {
    this.#within(() => super.onReceiveMessage(message));
  }

  override onReceiveHalfClose(): void {
    this.#within(() => super.onReceiveHalfClose());
  }

  override onCancel(): void {
    // Comes after a normal end too, which is no reason to cancel anything.
    if (this.#own !== undefined && !this.#answered) {
      const late = unseenStatus.get()?.code === status.DEADLINE_EXCEEDED || this.#clock.now() >= this.#own.deadline;
      this.#own.cancel(late ? deadlinePassed() : callerGone());
    }
    super.onCancel();
  }

  override sendStatus(result: PartialStatus): void {
    this.#answered = true;
    const own = this.#own;
    super.sendStatus(result.code === status.OK || own === undefined ? result : withContext(result, own));
  }

  #within(work: () => void): void {
    if (this.#own === undefined) work();
    else rpcContext.run(this.#own, work);
  }
}

/** Of a failure the caller learns the request id, and not to retry what has been retried in vain further down. */
function withContext(result: PartialStatus, { requestId, retries }: RpcContext): PartialStatus {
  const metadata = result.metadata?.clone() ?? new Metadata();
  metadata.set("x-request-id", requestId);
  if (retries.exhausted) metadata.set("grpc-retry-pushback-ms", "-1");
  return { ...result, metadata };
}

const deadlinePassed = () => new DOMException("The deadline passed", "TimeoutError");
const callerGone = () => new DOMException("The caller went away", "AbortError");

/**
 * When the client wants its answer, in milliseconds since the epoch. grpc-js keeps a timeout in 32 bits: one of more than
 * 24.8 days comes out as negative. No timeout is negative, so that is how to tell.
 */
export function readDeadline(deadline: Date | number, now: number): number {
  return Number(deadline) < now - 1_000 ? Infinity : Number(deadline);
}

/** The one value of a key. Undefined if there is none, or more than one: then nobody knows which one is meant. */
function one(metadata: Metadata, key: string): string | undefined {
  const values = metadata.get(key);
  return values.length === 1 && typeof values[0] === "string" ? values[0] : undefined;
}

export function readRequestId(text: string | undefined): string | undefined {
  return text !== undefined && /^[\w.-]{8,128}$/.test(text) ? text : undefined;
}

/** A whole number from 0 to `max`, written as such. */
export function readCount(text: string | undefined, max: number): number | undefined {
  return text !== undefined && /^(0|[1-9]\d{0,8})$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

function readPriority(metadata: Metadata): Priority | undefined {
  const text = one(metadata, "x-priority");
  return text === "critical" || text === "default" || text === "sheddable" ? text : undefined;
}

/** The trace that the caller is in. Undefined if it says none, or says it wrongly. */
function readTrace(metadata: Metadata): TraceContext | undefined {
  const parent = readTraceparent(one(metadata, "traceparent"));
  return parent && { ...parent, ...readState(metadata), ...readBaggage(metadata) };
}

/** A trace that begins here; its span is that of whoever called, who has none. */
function newTrace(metadata: Metadata, sampled: boolean, uuid: () => string): TraceContext {
  const span = uuid();
  const spanId = span.slice(24) + span.slice(0, 4);
  return { traceId: uuid().replaceAll("-", ""), spanId, sampled, ...readBaggage(metadata) };
}

/** W3C `traceparent`; a version after 00 may have more at its end. */
export function readTraceparent(
  text: string | undefined,
): Pick<TraceContext, "traceId" | "spanId" | "sampled"> | undefined {
  const found = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text ?? "");
  const [, version = "ff", traceId = "", spanId = "", flags = "", more] = found ?? [];
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

const STATE_KEY = /^([a-z][\w*/-]{0,255}|[a-z0-9][\w*/-]{0,240}@[a-z][\w*/-]{0,13})$/;
const STATE_VALUE = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/** `tracestate`, unless a member of it is wrong: then all of it is dropped, and the trace goes on without. */
function readState(metadata: Metadata): { state?: string } {
  const state = metadata.get("tracestate").join(",");
  const members = state
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
  const keys = new Set(members.map((each) => each.slice(0, each.indexOf("="))));
  const valid = members.every((each) => {
    const [key = "", value = ""] = each.split(/=(.*)/s);
    return STATE_KEY.test(key) && !/[A-Z]/.test(key) && STATE_VALUE.test(value);
  });
  const fits = members.length > 0 && members.length <= 32 && state.length <= 512;
  return valid && fits && keys.size === members.length ? { state } : {};
}

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
const BAGGAGE_VALUE = /^[!#-+\--:<-[\]-~]*$/;

/**
 * A token, `=`, a percent-encoded value, and properties behind `;`, with a value or without. Taken apart first: one
 * expression for all of it would go back and forth over a malformed one for seconds, with the whole process waiting.
 */
function isBaggageMember(text: string): boolean {
  return text.split(";").every((part, index) => {
    const [key = "", value] = part.split(/=(.*)/s);
    if (index === 0 && value === undefined) return false;
    return TOKEN.test(key.trim()) && BAGGAGE_VALUE.test((value ?? "").trim());
  });
}

function readBaggage(metadata: Metadata): { baggage?: string } {
  const baggage = metadata.get("baggage").join(",");
  const members = baggage.split(",");
  const valid = baggage.length <= 8_192 && members.length <= 64 && members.every(isBaggageMember);
  return valid ? { baggage } : {};
}

/** UUIDv7: a UUIDv4 whose first 48 bits are the time, so that ids sort by it. */
export function uuidV7(now: number, uuid: string): string {
  const time = Math.floor(now).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${uuid.slice(15)}`;
}
