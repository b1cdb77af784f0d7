import type { Money } from "../money.ts";
import type { Call } from "./saga.ts";

/** An order that a worker has for itself for a while. */
export interface Claim {
  readonly orderId: string;
  /** Grows with every claim: whoever writes with an older one writes nothing. */
  readonly fence: bigint;
}

/** A call that is recorded as started, with what it needs of the order. */
export interface Job {
  readonly call: Call;
  /** Calls without progress, this one included. */
  readonly attempts: number;
  readonly orderId: string;
  readonly customerId: string;
  readonly total: Money;
  readonly paymentMethod: string;
  /** As ordered, one product possibly twice; only with a call that reserves. */
  readonly items: readonly { readonly productId: string; readonly quantity: number }[];
}
