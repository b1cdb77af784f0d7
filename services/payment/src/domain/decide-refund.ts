import type { Answer } from "./answer.ts";
import { type Transaction, TransactionState } from "./transaction.ts";

/** What is known of one refund. */
export const RefundState = { Pending: "PENDING", Completed: "COMPLETED", Failed: "FAILED" } as const;
export type RefundState = (typeof RefundState)[keyof typeof RefundState];

/** What an answer of the provider makes of a refund. */
export type RefundDecision =
  | { readonly kind: "complete"; readonly providerRefundId: string }
  /** The provider says that the capture has not so much left. */
  | { readonly kind: "fail" }
  | { readonly kind: "postpone" }
  | { readonly kind: "keep" };

/** As decideCharge: a refund that happened is a fact, anything else counts only from the holder of the lease. */
export function decideRefund(
  state: RefundState,
  answer: Answer,
  { holdsLease }: { holdsLease: boolean },
): RefundDecision {
  if (state !== RefundState.Pending) return { kind: "keep" };
  if (answer.kind === "done") return { kind: "complete", providerRefundId: answer.effectIds[0] };
  if (!holdsLease) return { kind: "keep" };
  return answer.kind === "refused" ? { kind: "fail" } : { kind: "postpone" };
}

/** The part of a charge that refunds change. */
export type Refundable = Pick<Transaction, "amount" | "state" | "refunded" | "reserved">;

/** The charge once a reserved refund is confirmed. @throws {RangeError} If it was never reserved: a defect. */
export function afterRefund(
  charge: Refundable,
  minorUnits: bigint,
): Pick<Transaction, "state" | "refunded" | "reserved"> {
  const reserved = charge.reserved - minorUnits;
  if (reserved < 0n) throw new RangeError(`Cannot give back ${minorUnits}: only ${charge.reserved} are reserved`);
  const refunded = charge.refunded + minorUnits;
  const state = refunded === charge.amount.minorUnits ? TransactionState.Refunded : charge.state;
  return { state, refunded, reserved };
}
