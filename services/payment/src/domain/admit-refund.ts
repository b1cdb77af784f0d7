import type { Refundable } from "./decide-refund.ts";
import type { Money } from "./money.ts";
import { TransactionState } from "./transaction.ts";

/** Whether a refund may begin, and of how much. */
export type RefundAdmission =
  | { readonly kind: "admitted"; readonly minorUnits: bigint }
  | { readonly kind: "currency_mismatch" }
  | { readonly kind: "not_refundable" }
  | { readonly kind: "exceeds"; readonly refundable: bigint };

/** What is neither given back nor being given back. */
export function refundableOf({ amount, refunded, reserved }: Omit<Refundable, "state">): bigint {
  return amount.minorUnits - refunded - reserved;
}

/** `wanted` undefined means all that is left, which must be something. */
export function admitRefund(charge: Refundable, wanted: Money | undefined): RefundAdmission {
  if (wanted !== undefined && wanted.currencyCode !== charge.amount.currencyCode) return { kind: "currency_mismatch" };
  if (charge.state !== TransactionState.Completed) return { kind: "not_refundable" };
  const refundable = refundableOf(charge);
  const minorUnits = wanted?.minorUnits ?? refundable;
  return minorUnits > 0n && minorUnits <= refundable
    ? { kind: "admitted", minorUnits }
    : { kind: "exceeds", refundable };
}
