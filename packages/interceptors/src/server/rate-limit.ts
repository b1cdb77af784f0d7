// SPDX-License-Identifier: MIT
/**
 * Copy:    server/rate-limit.ts
 * Place:   server, after authorisation, since a quota belongs to a principal; before all that reads the request.
 * Does:    gives each principal, or each address where nobody is known, so many calls per second and a burst, and tells
 *          who has used them up when to come back.
 * Doesn't: count across processes or restarts: with n instances behind a balancer a caller has up to n quotas. It does not
 *          protect the server as a whole (server/load-shed.ts), nor know who shares an address.
 * With:    context.ts, passing-call.ts, status.ts
 * Source:  token bucket; google.rpc.QuotaFailure.
 */
import {
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { type Clock, harmless, rpcContext, systemClock } from "../context.ts";
import { asCall, PassingCall } from "../passing-call.ts";
import { statusOf } from "../status.ts";

export interface RateLimitOptions {
  /** Calls per second in the long run. No default: only the service knows. */
  callsPerSecond: number;
  /** Calls at once after a pause. @default as many as in one second, at least 1 */
  burst?: number;
  /** How many callers are remembered; the one that was silent longest is forgotten first, and has a full burst again. @default 10_000 */
  maxCallers?: number;
  /** Services that count for nobody, by full name. @default health */
  exempt?: readonly string[];
  /** Told of each call that was refused. */
  observe?: (event: { readonly kind: "refused"; readonly path: string; readonly caller: string }) => void;
}

/** Counted in time: a call costs a second divided by the calls of a second. */
interface Bucket {
  creditMs: number;
  at: number;
}

/** The buckets of all callers. */
export class Quotas {
  readonly #costMs: number;
  readonly #mostMs: number;
  readonly #maxCallers: number;
  /** In the order of their last calls. */
  readonly #buckets = new Map<string, Bucket>();

  constructor({ callsPerSecond, burst = Math.max(1, callsPerSecond), maxCallers = 10_000 }: RateLimitOptions) {
    requireRange("callsPerSecond", callsPerSecond, 0.001, 1_000_000);
    requireRange("burst", burst, 1, 10_000_000);
    requireRange("maxCallers", maxCallers, 1, 10_000_000);
    this.#costMs = 1_000 / callsPerSecond;
    this.#mostMs = burst * this.#costMs;
    this.#maxCallers = maxCallers;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a call from the caller's quota. @returns 0, or after how many milliseconds there will be one to take. */
  take(caller: string, now: number): number {
    const bucket = this.#buckets.get(caller) ?? { creditMs: this.#mostMs, at: now };
    // Out and in again: the first in the map is always the one that was silent longest.
    this.#buckets.delete(caller);
    this.#buckets.set(caller, bucket);
    if (this.#buckets.size > this.#maxCallers) this.#forgetOldest();
    // A clock that was set back gives nothing, and takes nothing away.
    bucket.creditMs = Math.min(this.#mostMs, bucket.creditMs + Math.max(0, now - bucket.at));
    bucket.at = now;
    if (bucket.creditMs < this.#costMs) return Math.ceil(this.#costMs - bucket.creditMs);
    bucket.creditMs -= this.#costMs;
    return 0;
  }

  #forgetOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}

/** Refuses the calls of a caller beyond its quota. */
export function rateLimit(
  options: RateLimitOptions,
  { clock = systemClock }: { clock?: Clock } = {},
): ServerInterceptor {
  const { exempt = ["grpc.health.v1.Health"], observe } = options;
  const counting = { quotas: new Quotas(options), observe: harmless(observe), clock };
  const free = new Set(exempt);

  return ({ path }, call) => {
    if (free.has(path.slice(1, path.lastIndexOf("/")))) return asCall(call);
    return asCall(new CountedCall(call, path, counting));
  };
}

interface Counting {
  quotas: Quotas;
  observe: RateLimitOptions["observe"];
  clock: Clock;
}

class CountedCall extends PassingCall {
  readonly #path: string;
  readonly #counting: Counting;

  constructor(call: ServerInterceptingCallInterface, path: string, counting: Counting) {
    super(call);
    this.#path = path;
    this.#counting = counting;
  }

  override onReceiveMetadata(metadata: Metadata): void {
    const { quotas, observe, clock } = this.#counting;
    const id = rpcContext.get()?.principal?.id;
    const caller = callerOf(id, id === undefined ? this.call.getPeer() : "");
    const waitMs = quotas.take(caller, clock.now());
    if (waitMs === 0) return super.onReceiveMetadata(metadata);
    observe?.({ kind: "refused", path: this.#path, caller });
    this.refuse(refusal(caller, waitMs));
  }
}

/** With a prefix: a principal that is named like an address shares no bucket with it. */
export function callerOf(principal: string | undefined, peer: string): string {
  return principal === undefined ? `peer:${peer.replace(/:\d+$/, "")}` : `principal:${principal}`;
}

/** No pushback: another host would serve the call, and that is what a quota must not cause. */
function refusal(caller: string, retryAfterMs: number): StatusObject {
  return statusOf(status.RESOURCE_EXHAUSTED, "Cannot take the call: the caller's quota of calls is used up", {
    reason: "RATE_LIMITED",
    retryAfterMs,
    quota: { subject: caller, description: "calls per second" },
  });
}

function requireRange(name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return;
  throw new RangeError(`Cannot build rateLimit: ${name} must be ${min} to ${max}, is ${value}`);
}
