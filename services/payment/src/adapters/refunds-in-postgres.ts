import type { Logger } from "@holdfast/process";
import type { Database, Scope } from "@holdfast/storage";
import { admitRefund } from "../domain/admit-refund.ts";
import { admitRepeat } from "../domain/admit-repeat.ts";
import { RefundState } from "../domain/decide-refund.ts";
import type { OpenedRefund, RefundAttempt, RefundCommand, Refunds } from "../domain/give-back.ts";
import type { Attempt } from "../domain/settle.ts";
import { claim, type LeaseOptions, leased, leaseLeftMs, lockDue, markSent } from "./lease.ts";
import { recordRefund } from "./record-refund.ts";
import type { PaymentSchema, RefundRow, TransactionRow, Tx } from "./tables.ts";
import { toTransaction } from "./to-transaction.ts";

export interface RefundsOptions extends LeaseOptions {
  db: Database<PaymentSchema>;
  /** 32 hexadecimal digits that nobody else gets. */
  newId: () => string;
  log: Logger;
}

/** The refunds in the service's own database, and those of them that the recovery worker has to look at. */
export interface RefundsInPostgres extends Refunds {
  claimDue(limit: number, scope: Scope): Promise<RefundAttempt[]>;
}

export function refundsInPostgres(options: RefundsOptions): RefundsInPostgres {
  const { db } = options;
  return {
    open: (command, scope) => db.transaction(scope, (tx) => open(tx, command, options)),
    markSent: (attempt, scope) => db.transaction(scope, (tx) => markSent(tx, "refunds", attempt, options)),
    record: (attempt, answer, delayMs, scope) =>
      db.transaction(scope, (tx) => recordRefund(tx, { attempt, answer, delayMs }, options)),
    claimDue: (limit, scope) => db.transaction(scope, (tx) => claimDue(tx, limit, options)),
  };
}

/** The charge's row is locked first, here and when a refund is recorded: refunds of one charge come one by one. */
async function open(tx: Tx, command: RefundCommand, options: RefundsOptions): Promise<OpenedRefund> {
  const { transactionId, idempotencyKey } = command;
  const charge = await tx
    .selectFrom("transactions")
    .selectAll()
    .where("id", "=", transactionId)
    .forUpdate()
    .executeTakeFirst();
  if (charge === undefined) return { kind: "transaction_not_found" };

  const earlier = await tx
    .selectFrom("refunds")
    .selectAll()
    .select(leaseLeftMs.as("lease_left_ms"))
    .where("transaction_id", "=", transactionId)
    .where("idempotency_key", "=", idempotencyKey)
    .forUpdate()
    .executeTakeFirst();
  return earlier === undefined
    ? begin(tx, charge, command, options)
    : repeat(tx, { charge, earlier }, command, options);
}

async function begin(
  tx: Tx,
  charge: TransactionRow,
  { amount, reason, idempotencyKey, requestHash }: RefundCommand,
  options: RefundsOptions,
): Promise<OpenedRefund> {
  const admission = admitRefund(toTransaction(charge), amount);
  if (admission.kind === "not_refundable") return { kind: "not_refundable", state: charge.state };
  if (admission.kind !== "admitted") return admission;
  const { provider_capture_id: captureId } = charge;
  if (captureId === null) throw new Error(`Cannot refund "${charge.id}": it is completed, and has no capture`);

  const reserved = charge.reserved + admission.minorUnits;
  await tx.updateTable("transactions").set({ reserved }).where("id", "=", charge.id).execute();
  const refund = await tx
    .insertInto("refunds")
    .values({
      id: `rfd_${options.newId()}`,
      transaction_id: charge.id,
      provider_capture_id: captureId,
      surplus: false,
      idempotency_key: idempotencyKey,
      request_hash: requestHash,
      amount: admission.minorUnits,
      reason,
      state: RefundState.Pending,
      provider_refund_id: null,
      ...leased(options),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return { kind: "claimed", attempt: toAttempt(refund, charge.currency_code, "none") };
}

async function repeat(
  tx: Tx,
  { charge, earlier }: { charge: TransactionRow; earlier: RefundRow & { lease_left_ms: number } },
  command: RefundCommand,
  options: LeaseOptions,
): Promise<OpenedRefund> {
  const pending = earlier.state === RefundState.Pending;
  const recorded = { requestHash: earlier.request_hash, pending, leaseLeftMs: earlier.lease_left_ms };
  const admitted = admitRepeat(recorded, command.requestHash);
  if (admitted.kind === "settled") {
    return { kind: "settled", standing: { state: earlier.state, transaction: toTransaction(charge) } };
  }
  if (admitted.kind !== "take_over") return admitted;
  const [claimed] = await claim<RefundRow>(tx, "refunds", [earlier.id], options);
  if (claimed === undefined) throw new Error(`Cannot claim "${earlier.id}": it is locked, and yet not there`);
  return { kind: "claimed", attempt: toAttempt(claimed, charge.currency_code, claimed.earlier) };
}

async function claimDue(tx: Tx, limit: number, options: LeaseOptions): Promise<RefundAttempt[]> {
  const due = await lockDue(tx, "refunds", limit);
  const rows = await claim<RefundRow>(tx, "refunds", due, options);
  if (rows.length === 0) return [];
  const charges = await tx
    .selectFrom("transactions")
    .select(["id", "currency_code"])
    .where(
      "id",
      "in",
      rows.map((row) => row.transaction_id),
    )
    .execute();
  const currencies = new Map(charges.map(({ id, currency_code }) => [id, currency_code]));
  return rows.map((row) => toAttempt(row, currencies.get(row.transaction_id) ?? "", row.earlier));
}

function toAttempt(row: RefundRow, currencyCode: string, earlier: Attempt["earlier"]): RefundAttempt {
  return {
    id: row.id,
    fence: row.fence,
    attempts: row.attempts,
    earlier,
    captureId: row.provider_capture_id,
    amount: { currencyCode, minorUnits: row.amount },
    reason: row.reason,
  };
}
