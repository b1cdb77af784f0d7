// SPDX-License-Identifier: MIT
/**
 * Copy:    idempotency-core.ts
 * Place:   beside server/idempotency.ts, which uses it.
 * Does:    says what idempotency can be told, what it tells, and what holds where nothing is given.
 * Doesn't: know calls or stores.
 * With:    context.ts, idempotency-answers.ts, idempotency-store.ts
 * Source:  Stripe's idempotent requests for the numbers.
 */
import type { status } from "@grpc/grpc-js";
import { type Clock, harmless, rpcContext, systemClock } from "./context.ts";
import { RELEASED } from "./idempotency-answers.ts";
import type { Begun, IdempotencyStore } from "./idempotency-store.ts";

export interface IdempotentMethod {
  readonly idempotency: "UNKNOWN" | "IDEMPOTENT" | "NO_SIDE_EFFECTS";
  /** `metadata`: the key is required. `field`: the request carries it, and the handler sees to it. */
  readonly key: "none" | "field" | "metadata";
  /** The request as bytes, always the same for the same request. @default the message, where it is bytes */
  readonly encodeRequest?: (message: unknown) => Uint8Array;
  /** The response of those bytes. @default the bytes */
  readonly decodeResponse?: (bytes: Uint8Array) => unknown;
}

export interface IdempotencyOptions {
  store: IdempotencyStore;
  methods: (path: string) => IdempotentMethod | undefined;
  /** Whose keys they are. @default the principal of the context; all who have none share theirs */
  principalOf?: () => string | undefined;
  /** How long a claim is held at least; longer for a call that has more time than that. @default 60_000 */
  leaseMs?: number;
  /** How long an answer is kept. @default 86_400_000 */
  ttlMs?: number;
  /** Responses that are longer are not kept: the caller is told to read the result. Unit: bytes. @default 1_048_576 */
  maxResponseBytes?: number;
  /** When to come back for an answer that is being made. @default 500 */
  retryAfterMs?: number;
  /** Longest step of the store. @default 2_000 */
  storeTimeoutMs?: number;
  /** Errors of a handler that say that nothing was done: the key is free again. @default RELEASED of idempotency-answers.ts */
  releaseOn?: readonly status[];
  /** Methods, by path, whose handlers confirm their claim in the transaction of their work. @default none */
  transactional?: readonly string[];
  observe?: (event: IdempotencyEvent) => void;
}

/** `store_failed`: a step of the store threw. `not_stored`: the client has its answer, a repetition will not get it. */
export type IdempotencyEvent = { readonly path: string } & Told;
export type Told =
  | { readonly kind: Begun["kind"] | "stored" | "abandoned" | "kept_open" | "lost" }
  | { readonly kind: "store_failed" | "not_stored"; readonly error: unknown };

export type Policy = ReturnType<typeof policyOf>;

/** The options with what holds where nothing is given. @throws {RangeError} If an option makes no sense. */
export function policyOf(options: IdempotencyOptions, { clock = systemClock }: { clock?: Clock | undefined }) {
  const policy = {
    principalOf: () => rpcContext.get()?.principal?.id,
    leaseMs: 60_000,
    ttlMs: 86_400_000,
    maxResponseBytes: 1_048_576,
    retryAfterMs: 500,
    storeTimeoutMs: 2_000,
    releaseOn: RELEASED,
    transactional: [],
    ...options,
    observe: harmless(options.observe),
    clock,
  };
  requireRange("leaseMs", policy.leaseMs, 1, 86_400_000);
  requireRange("ttlMs", policy.ttlMs, policy.leaseMs, 31_536_000_000);
  requireRange("maxResponseBytes", policy.maxResponseBytes, 0, 67_108_864);
  requireRange("retryAfterMs", policy.retryAfterMs, 1, 3_600_000);
  requireRange("storeTimeoutMs", policy.storeTimeoutMs, 1, 600_000);
  for (const code of policy.releaseOn) requireRange("releaseOn", Number.isInteger(code) ? code : Number.NaN, 1, 16);
  const wrong = policy.transactional.find((path) => !/^\/[\w.]+\/\w+$/.test(path));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot build idempotency: transactional must be /pkg.Service/Method, is ${wrong}`);
  }
  return policy;
}

function requireRange(name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return;
  throw new RangeError(`Cannot build idempotency: ${name} must be ${min} to ${max}, is ${value}`);
}
