import type { CancelReason, OrderState } from "./order.ts";

/** An entry of an order's log: it has come to a state. */
export interface OrderEvent {
  readonly orderId: string;
  /** 1, 2, 3 … per order: the order's version since then. */
  readonly sequence: number;
  readonly state: OrderState;
  /** Why, with CANCELLED. */
  readonly reason: CancelReason | undefined;
  readonly customerId: string;
  /** 1, 2, 3 … over all orders of the customer, in the order of the commits. */
  readonly customerSequence: bigint;
  readonly time: Date;
}
