import type { Money } from "./money.ts";

/** What is known of a charge's money. The words are those of the contract and of the table. */
export const TransactionState = {
  /** Asked of the provider, not answered yet. Unknown is not failed. */
  Pending: "PENDING",
  Completed: "COMPLETED",
  /** Nothing was captured. */
  Failed: "FAILED",
  /** Captured, and all of it given back. */
  Refunded: "REFUNDED",
} as const;
export type TransactionState = (typeof TransactionState)[keyof typeof TransactionState];

/** One charge and what was given back of it. */
export interface Transaction {
  readonly id: string;
  readonly customerId: string;
  readonly orderId: string;
  /** Above 0. */
  readonly amount: Money;
  readonly state: TransactionState;
  /** Why it failed; undefined unless it has. */
  readonly declineCode: string | undefined;
  /** The provider's name for the capture; undefined until there is one. */
  readonly captureId: string | undefined;
  /** Given back, confirmed by the provider. Minor units of `amount`'s currency. */
  readonly refunded: bigint;
  /** Being given back, not confirmed yet. `refunded + reserved` never exceeds the amount. */
  readonly reserved: bigint;
  readonly createTime: Date;
}

/** The decline code of a token that the provider does not know; the other codes are the provider's own words. */
export const UNKNOWN_PAYMENT_METHOD = "unknown_payment_method";
