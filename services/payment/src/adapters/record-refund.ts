import type { Logger } from "@holdfast/process";
import type { Answer } from "../domain/answer.ts";
import { afterRefund, decideRefund, RefundState } from "../domain/decide-refund.ts";
import type { RefundAttempt, RefundStanding } from "../domain/give-back.ts";
import { refundPostings } from "../domain/ledger.ts";
import { postpone, unleased } from "./lease.ts";
import { post } from "./post.ts";
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
  const decision = decideRefund(refund.state, answer, { holdsLease: refund.fence === attempt.fence });
  if (answer.kind === "done" && answer.effectIds.length > 1) {
    // Money that went out twice cannot be called back through the provider: a person has to.
    log.error({ refundId: refund.id, providerRefundIds: answer.effectIds }, "refunded more than once");
  }
  switch (decision.kind) {
    case "complete": {
      const { providerRefundId } = decision;
      await settleRefund(tx, refund, { state: RefundState.Completed, provider_refund_id: providerRefundId });
      const effect = { transactionId: charge.id, refundId: refund.id, effectId: providerRefundId };
      await post(tx, effect, refundPostings(attempt.amount));
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
