import type { TestBooks } from "./books.fixture.ts";

/** What the ledger's lines are about. */
interface PostedEffect {
  readonly transactionId: string;
  readonly refundId?: string;
  readonly effectId: string;
}

/** Moves an amount from the customer through clearing to the merchant, or back if it is below 0. */
export async function post(
  payment: TestBooks["payment"],
  { transactionId, refundId, effectId }: PostedEffect,
  amount: number,
) {
  const legs = [
    [1, "customer", -amount],
    [1, "clearing", amount],
    [2, "clearing", -amount],
    [2, "merchant", amount],
  ];
  for (const [leg, account, moved] of legs) {
    await payment(
      `insert into ledger_entries (transaction_id, refund_id, provider_effect_id, leg, account, amount, currency_code)
       values ($1, $2, $3, $4, $5, $6, 'GBP')`,
      [transactionId, refundId ?? null, effectId, leg, account, moved],
    );
  }
}
