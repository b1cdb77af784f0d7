import type { Money } from "./money.ts";

/** How far an order has come. */
export const OrderState = {
  Pending: "PENDING",
  StockReserved: "STOCK_RESERVED",
  Paid: "PAID",
  Confirmed: "CONFIRMED",
  Cancelled: "CANCELLED",
} as const;
export type OrderState = (typeof OrderState)[keyof typeof OrderState];

/** Why an order was, or is being, cancelled. */
export const CancelReason = {
  OutOfStock: "OUT_OF_STOCK",
  PaymentDeclined: "PAYMENT_DECLINED",
  CustomerRequest: "CUSTOMER_REQUEST",
  Expired: "EXPIRED",
} as const;
export type CancelReason = (typeof CancelReason)[keyof typeof CancelReason];

/** Where each state may lead. The database refuses every other change, see migrations/0001_orders.sql. */
export const TRANSITIONS: Readonly<Record<OrderState, readonly OrderState[]>> = {
  PENDING: [OrderState.StockReserved, OrderState.Cancelled],
  STOCK_RESERVED: [OrderState.Paid, OrderState.Cancelled],
  PAID: [OrderState.Confirmed, OrderState.Cancelled],
  CONFIRMED: [],
  CANCELLED: [],
};

/** Whether nothing about an order in this state will ever change. */
export function isTerminal(state: OrderState): boolean {
  return TRANSITIONS[state].length === 0;
}

/** A priced line. */
export interface OrderLine {
  readonly productId: string;
  /** The product's name when it was ordered. */
  readonly name: string;
  readonly quantity: number;
  /** Of one unit, in minor units of the order's currency. */
  readonly unitPrice: bigint;
}

/** An order that is priced and not accepted yet. */
export interface NewOrder {
  readonly id: string;
  readonly customerId: string;
  /** In the order of the request; one product may stand in several. */
  readonly lines: readonly OrderLine[];
  readonly total: Money;
  readonly paymentMethod: string;
}

/** An accepted order. */
export interface Order extends Omit<NewOrder, "paymentMethod"> {
  readonly state: OrderState;
  /** Set from the moment a cancellation is decided. */
  readonly cancelReason: CancelReason | undefined;
  /** Set from PAID on. */
  readonly transactionId: string | undefined;
  /** 1 when accepted; grows by 1 with every change of state. */
  readonly version: number;
  readonly createTime: Date;
  /** When the state last changed. */
  readonly updateTime: Date;
}
