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
export async function post(tx: Tx, effect: PostedEffect, postings: readonly Posting[]): Promise<void> {
  await insertLines(tx, effect, postings).execute();
}

/** The same for an effect that may have its lines already. @returns Whether it had none. */
export async function postUnlessPosted(tx: Tx, effect: PostedEffect, postings: readonly Posting[]): Promise<boolean> {
  const written = await insertLines(tx, effect, postings)
    .onConflict((conflict) => conflict.columns(["provider_effect_id", "account", "leg"]).doNothing())
    .returning("id")
    .execute();
  return written.length > 0;
}

function insertLines(tx: Tx, { transactionId, refundId, effectId }: PostedEffect, postings: readonly Posting[]) {
  const lines = postings.map(({ leg, account, amount, currencyCode }) => ({
    transaction_id: transactionId,
    refund_id: refundId,
    provider_effect_id: effectId,
    leg,
    account,
    amount,
    currency_code: currencyCode,
  }));
  return tx.insertInto("ledger_entries").values(lines);
}
