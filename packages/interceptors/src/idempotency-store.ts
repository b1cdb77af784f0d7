// SPDX-License-Identifier: MIT
/**
 * Copy:    idempotency-store.ts
 * Place:   beside server/idempotency.ts, which asks it.
 * Does:    says what a store of idempotency keys must do.
 * Doesn't: do it: a store in memory would forget at the very moment that it is for.
 * With:    -
 * Source:  Stripe's idempotent requests.
 */

/** One attempt to do the work of a key. */
export interface Claim {
  /** Who sent it; empty for all who are not known, together. */
  readonly principal: string;
  readonly method: string;
  readonly key: string;
  /** Names this attempt: whoever has it may finish, nobody else. */
  readonly token: string;
}

/** An answer as it is kept. */
export interface StoredAnswer {
  readonly code: number;
  readonly details: string;
  /** JSON. */
  readonly trailers: string;
  /** The serialized response; undefined for an error, and for one that was too large to keep. */
  readonly response: Uint8Array | undefined;
}

/** What is known of a key when a call comes with it. */
export type Begun =
  /** Nothing, or nothing that counts any more: the claim is the caller's now. */
  | { readonly kind: "new" }
  | { readonly kind: "replay"; readonly answer: StoredAnswer }
  /** It was used with another request. */
  | { readonly kind: "mismatch" }
  | { readonly kind: "in_progress"; readonly leaseLeftMs: number }
  /** Whoever began is gone, and may have done the work or not. */
  | { readonly kind: "unknown" };

export interface ClaimRequest extends Claim {
  /** SHA-256 of the request. */
  readonly fingerprint: Uint8Array;
  readonly leaseMs: number;
  readonly ttlMs: number;
  /** Whether a claim whose lease has run out unconfirmed may be taken over: its work was rolled back. */
  readonly transactional: boolean;
}

/** How long a step of the store may take, and who may end it earlier. */
export interface StoreScope {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly signal: AbortSignal;
}

/** Where claims and answers are kept: durable, shared by all instances, by its own clock. Each method is one atomic step. */
export interface IdempotencyStore {
  /** Claims the key, or tells why not. The same claim again, after a step whose outcome was lost, is `new` again. */
  begin(request: ClaimRequest, scope: StoreScope): Promise<Begun>;
  /** Stores the answer. @returns False if the claim is not held any more. */
  finish(claim: Claim, answer: StoredAnswer, scope: StoreScope): Promise<boolean>;
  /** Forgets the claim, if it is held: nothing was done. */
  abandon(claim: Claim, scope: StoreScope): Promise<void>;
}
