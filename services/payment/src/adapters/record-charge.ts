import type { Logger } from "@holdfast/process";
import { sql } from "@holdfast/storage";
import type { Answer } from "../domain/answer.ts";
import { decideCharge } from "../domain/decide-charge.ts";
import { RefundState } from "../domain/decide-refund.ts";
import { capturePostings } from "../domain/ledger.ts";
import type { ChargeAttempt } from "../domain/take-payment.ts";
import { type Transaction, TransactionState } from "../domain/transaction.ts";
import { fromNow, postpone, unleased } from "./lease.ts";
import { post } from "./post.ts";
import type { TransactionRow, Tx } from "./tables.ts";
import { toTransaction } from "./to-transaction.ts";

export interface RecordChargeInput {
  attempt: ChargeAttempt;
  answer: Answer;
  /** Unit: milliseconds. */
  delayMs: number;
}

/** See EffectBook.record: state, ledger and lease change together. */
export async function recordCharge(
  tx: Tx,
  { attempt, answer, delayMs }: RecordChargeInput,
  options: { newId: () => string; log: Logger },
): Promise<Transaction> {
  const { id, amount } = attempt;
  const row = await tx
    .selectFrom("transactions")
    .selectAll()
    .where("id", "=", id)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const before = toTransaction(row);
  const decision = decideCharge(before, answer, { holdsLease: row.fence === attempt.fence });
  switch (decision.kind) {
    case "complete": {
      const { captureId, surplus } = decision;
      const state = TransactionState.Completed;
      const completed = await update(tx, row, { state, provider_capture_id: captureId });
      await post(tx, { transactionId: id, refundId: null, effectId: captureId }, capturePostings(amount));
      await returnSurplus(tx, attempt, surplus, options);
      return completed;
    }
    case "fail":
      return update(tx, row, { state: TransactionState.Failed, decline_code: decision.declineCode });
    case "postpone":
      await postpone(tx, "transactions", id, delayMs);
      return before;
    case "keep":
      await returnSurplus(tx, attempt, decision.surplus, options);
      return before;
    default:
      return decision satisfies never;
  }
}

type Outcome = Partial<Pick<TransactionRow, "state" | "provider_capture_id" | "decline_code">>;

async function update(tx: Tx, row: TransactionRow, outcome: Outcome): Promise<Transaction> {
  const updated = await tx
    .updateTable("transactions")
    .set({ ...outcome, ...unleased, version: row.version + 1 })
    .where("id", "=", row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return toTransaction(updated);
}

/**
 * Money that was taken although nobody asked for it goes back: it is booked like any capture, and a refund of it is left
 * to the recovery worker. The refund's key has a space in it, which no caller's key can have.
 */
async function returnSurplus(
  tx: Tx,
  { id, amount }: ChargeAttempt,
  captureIds: readonly string[],
  { newId, log }: { newId: () => string; log: Logger },
): Promise<void> {
  for (const captureId of captureIds) {
    const refund = await tx
      .insertInto("refunds")
      .values({
        id: `rfd_${newId()}`,
        transaction_id: id,
        provider_capture_id: captureId,
        surplus: true,
        idempotency_key: `surplus ${captureId}`,
        request_hash: "",
        amount: amount.minorUnits,
        reason: "captured more than once",
        state: RefundState.Pending,
        provider_refund_id: null,
        lease_until: null,
        next_run_at: fromNow(0),
        // Nothing has been sent for it yet.
        sent_at: sql<Date>`'-infinity'`,
      })
      .onConflict((conflict) => conflict.columns(["transaction_id", "idempotency_key"]).doNothing())
      .returning("id")
      .executeTakeFirst();
    if (refund === undefined) continue; // it is on its way back already
    await post(tx, { transactionId: id, refundId: null, effectId: captureId }, capturePostings(amount));
    log.error({ transactionId: id, captureId, refundId: refund.id }, "captured more than once, the surplus goes back");
  }
}
