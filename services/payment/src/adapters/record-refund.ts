import type { Logger } from "@holdfast/process";
import type { Answer } from "../domain/answer.ts";
import { afterRefund, decideRefund, RefundState } from "../domain/decide-refund.ts";
import type { RefundAttempt, RefundStanding } from "../domain/give-back.ts";
import { refundPostings } from "../domain/ledger.ts";
import { postpone, unleased } from "./lease.ts";
import { post, postUnlessPosted } from "./post.ts";
import type { RefundRow, TransactionRow, Tx } from "./tables.ts";
import { toTransaction } from "./to-transaction.ts";

export interface RecordRefundInput {
  attempt: RefundAttempt;
  answer: Answer;
  /** Unit: milliseconds. */
  delayMs: number;
}

/** See EffectBook.record: refund, charge, ledger and lease change together. */
export async function recordRefund(
  tx: Tx,
  { attempt, answer, delayMs }: RecordRefundInput,
  { log }: { log: Logger },
): Promise<RefundStanding> {
  const { charge, refund } = await lock(tx, attempt.id);
  const before = { state: refund.state, providerRefundId: refund.provider_refund_id };
  const decision = decideRefund(before, answer, { holdsLease: refund.fence === attempt.fence });
  switch (decision.kind) {
    case "complete": {
      const { providerRefundId } = decision;
      await settleRefund(tx, refund, { state: RefundState.Completed, provider_refund_id: providerRefundId });
      const effect = { transactionId: charge.id, refundId: refund.id, effectId: providerRefundId };
      await post(tx, effect, refundPostings(attempt.amount));
      await bookSurplus(tx, attempt, decision.surplus, { transactionId: charge.id, log });
      const after = refund.surplus ? charge : await countIn(tx, charge, refund.amount);
      return { state: RefundState.Completed, transaction: toTransaction(after) };
    }
    case "fail": {
      log.error(
        { transactionId: charge.id, refundId: refund.id },
        "the provider refuses a refund that the books allow",
      );
      await settleRefund(tx, refund, { state: RefundState.Failed });
      const after = refund.surplus ? charge : await release(tx, charge, refund.amount);
      return { state: RefundState.Failed, transaction: toTransaction(after) };
    }
    case "postpone":
      await postpone(tx, "refunds", refund.id, delayMs);
      return { state: refund.state, transaction: toTransaction(charge) };
    case "keep":
      await bookSurplus(tx, attempt, decision.surplus, { transactionId: charge.id, log });
      return { state: refund.state, transaction: toTransaction(charge) };
    default:
      return decision satisfies never;
  }
}

/** Locks the charge, then the refund: in the order in which a new refund does. */
async function lock(tx: Tx, refundId: string): Promise<{ charge: TransactionRow; refund: RefundRow }> {
  const charge = await tx
    .selectFrom("transactions")
    .selectAll()
    .where("id", "=", (of) => of.selectFrom("refunds").select("transaction_id").where("id", "=", refundId))
    .forUpdate()
    .executeTakeFirstOrThrow();
  const refunds = tx.selectFrom("refunds").selectAll().where("id", "=", refundId).forUpdate();
  return { charge, refund: await refunds.executeTakeFirstOrThrow() };
}

/** Money that went out without being asked for cannot be called back through the provider: a person has to. */
async function bookSurplus(
  tx: Tx,
  { id: refundId, amount }: RefundAttempt,
  providerRefundIds: readonly string[],
  { transactionId, log }: { transactionId: string; log: Logger },
): Promise<void> {
  for (const effectId of providerRefundIds) {
    const effect = { transactionId, refundId: null, effectId };
    if (!(await postUnlessPosted(tx, effect, refundPostings(amount)))) continue; // a repeat of what is known
    log.error({ transactionId, refundId, providerRefundId: effectId }, "refunded more than was asked for");
  }
}

async function settleRefund(
  tx: Tx,
  { id }: RefundRow,
  outcome: Partial<Pick<RefundRow, "state" | "provider_refund_id">>,
): Promise<void> {
  await tx
    .updateTable("refunds")
    .set({ ...outcome, ...unleased })
    .where("id", "=", id)
    .execute();
}

async function countIn(tx: Tx, charge: TransactionRow, amount: bigint): Promise<TransactionRow> {
  return tx
    .updateTable("transactions")
    .set({ ...afterRefund(toTransaction(charge), amount), version: charge.version + 1 })
    .where("id", "=", charge.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Gives back what was reserved for a refund that will not happen. */
async function release(tx: Tx, charge: TransactionRow, amount: bigint): Promise<TransactionRow> {
  return tx
    .updateTable("transactions")
    .set({ reserved: charge.reserved - amount })
    .where("id", "=", charge.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}
