import type { NewOrder, Order } from "./order.ts";

/** What makes a repeated CreateOrder the same one. */
export interface IdempotencyKey {
  /** Whose key it is: customers do not share keys. */
  readonly customerId: string;
  readonly key: string;
  /** Equal for equal requests. */
  readonly requestHash: Uint8Array;
}

/** What an earlier call with the key has left. */
export type Reply =
  | { readonly kind: "repeated"; readonly response: Uint8Array }
  /** The key came with another request. */
  | { readonly kind: "key_reused" };

/** An order to be accepted, once per key. */
export interface Acceptance {
  readonly key: IdempotencyKey;
  readonly order: NewOrder;
  /** The answer to store with the order, for every repeat. */
  readonly responseTo: (order: Order) => Uint8Array;
}

export type AcceptOutcome =
  | { readonly kind: "accepted"; readonly response: Uint8Array }
  /** Another call with the key is still under way. */
  | { readonly kind: "key_in_use" }
  | Reply;
