/** An intent that was recorded before under the same idempotency key. */
export interface Recorded {
  readonly requestHash: string;
  /** Whether its outcome is still open. */
  readonly pending: boolean;
  /** What is left of the lease of whoever works on it; 0 or less when nobody does. Unit: milliseconds. */
  readonly leaseLeftMs: number;
}

/** What a repeat may do. */
export type Repeat =
  | { readonly kind: "key_reused" }
  /** The outcome is known: tell it. */
  | { readonly kind: "settled" }
  | { readonly kind: "in_use"; readonly retryAfterMs: number }
  /** Nobody works on it: find out. */
  | { readonly kind: "take_over" };

/** Most work ends long before its lease does, so a caller is told to come back earlier than that. */
const LONGEST_WAIT_MS = 500;
const SHORTEST_WAIT_MS = 20;

export function admitRepeat(recorded: Recorded, requestHash: string): Repeat {
  if (recorded.requestHash !== requestHash) return { kind: "key_reused" };
  if (!recorded.pending) return { kind: "settled" };
  if (recorded.leaseLeftMs <= 0) return { kind: "take_over" };
  const retryAfterMs = Math.max(SHORTEST_WAIT_MS, Math.min(LONGEST_WAIT_MS, Math.ceil(recorded.leaseLeftMs)));
  return { kind: "in_use", retryAfterMs };
}
