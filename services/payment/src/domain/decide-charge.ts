import type { Answer } from "./answer.ts";
import { type Transaction, TransactionState } from "./transaction.ts";

/** What an answer of the provider makes of a charge. */
export type ChargeDecision =
  /** PENDING → COMPLETED. */
  | { readonly kind: "complete"; readonly captureId: string; readonly surplus: readonly string[] }
  /** PENDING → FAILED. */
  | { readonly kind: "fail"; readonly declineCode: string }
  /** Stays PENDING; somebody asks again later. */
  | { readonly kind: "postpone" }
  /** Stays as it is. */
  | { readonly kind: "keep"; readonly surplus: readonly string[] };

/**
 * Decides on the charge as it is now. A capture is a fact, whoever reports it; a refusal or an unknown outcome counts
 * only from the holder of the lease, because another one may be capturing meanwhile.
 *
 * `surplus` are captures that nobody asked for: a provider that ignores its keys took the money again. They are given
 * back.
 */
export function decideCharge(
  charge: Pick<Transaction, "state" | "captureId">,
  answer: Answer,
  { holdsLease }: { holdsLease: boolean },
): ChargeDecision {
  const pending = charge.state === TransactionState.Pending;
  if (answer.kind === "done") {
    const [captureId, ...surplus] = answer.effectIds;
    if (pending) return { kind: "complete", captureId, surplus };
    return { kind: "keep", surplus: answer.effectIds.filter((id) => id !== charge.captureId) };
  }
  if (!pending || !holdsLease) return { kind: "keep", surplus: [] };
  return answer.kind === "refused" ? { kind: "fail", declineCode: answer.code } : { kind: "postpone" };
}
