import type { Answer } from "./answer.ts";
import { type Transaction, TransactionState } from "./transaction.ts";

/** What is known of one refund. */
export const RefundState = { Pending: "PENDING", Completed: "COMPLETED", Failed: "FAILED" } as const;
export type RefundState = (typeof RefundState)[keyof typeof RefundState];

/** What an answer of the provider makes of a refund. */
export type RefundDecision =
  | { readonly kind: "complete"; readonly providerRefundId: string; readonly surplus: readonly string[] }
  /** The provider says that the capture has not so much left. */
  | { readonly kind: "fail" }
  | { readonly kind: "postpone" }
  | { readonly kind: "keep"; readonly surplus: readonly string[] };

/**
 * As decideCharge: a refund that happened is a fact, anything else counts only from the holder of the lease. `surplus` are
 * refunds that nobody asked for: they are booked, or the ledger would not be what the provider says.
 *
 * @param refund `providerRefundId` is the one that was asked for, null until it is known.
 */
export function decideRefund(
  refund: { state: RefundState; providerRefundId: string | null },
  answer: Answer,
  { holdsLease }: { holdsLease: boolean },
): RefundDecision {
  const pending = refund.state === RefundState.Pending;
  if (answer.kind === "done") {
    const [providerRefundId, ...surplus] = answer.effectIds;
    if (pending) return { kind: "complete", providerRefundId, surplus };
    return { kind: "keep", surplus: answer.effectIds.filter((id) => id !== refund.providerRefundId) };
  }
  if (!pending || !holdsLease) return { kind: "keep", surplus: [] };
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
