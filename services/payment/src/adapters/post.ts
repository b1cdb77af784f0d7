import type { Posting } from "../domain/ledger.ts";
import type { Tx } from "./tables.ts";

/** What the postings are about. */
export interface PostedEffect {
  transactionId: string;
  refundId: string | null;
  /** The provider's capture or refund. Posting it twice breaks a constraint. */
  effectId: string;
}

/** Writes the ledger's lines of one effect. Call it in the transaction that records the effect. */
export async function post(tx: Tx, { transactionId, refundId, effectId }: PostedEffect, postings: readonly Posting[]) {
  const lines = postings.map(({ leg, account, amount, currencyCode }) => ({
    transaction_id: transactionId,
    refund_id: refundId,
    provider_effect_id: effectId,
    leg,
    account,
    amount,
    currency_code: currencyCode,
  }));
  await tx.insertInto("ledger_entries").values(lines).execute();
}
