import type { Logger } from "@holdfast/process";
import type { Database, Scope } from "@holdfast/storage";
import { admitRepeat } from "../domain/admit-repeat.ts";
import type { Attempt } from "../domain/settle.ts";
import type { ChargeAttempt, ChargeCommand, Charges, OpenedCharge } from "../domain/take-payment.ts";
import { TransactionState } from "../domain/transaction.ts";
import { claim, type LeaseOptions, leaseLeftMs, leased, lockDue, markSent } from "./lease.ts";
import { recordCharge } from "./record-charge.ts";
import type { PaymentSchema, TransactionRow, Tx } from "./tables.ts";
import { toTransaction } from "./to-transaction.ts";

export interface ChargesOptions extends LeaseOptions {
  db: Database<PaymentSchema>;
  /** 32 hexadecimal digits that nobody else gets. */
  newId: () => string;
  log: Logger;
}

/** The charges in the service's own database, and those of them that the recovery worker has to look at. */
export interface ChargesInPostgres extends Charges {
  claimDue(limit: number, scope: Scope): Promise<ChargeAttempt[]>;
}

export function chargesInPostgres(options: ChargesOptions): ChargesInPostgres {
  const { db } = options;
  return {
    open: (command, scope) => db.transaction(scope, (tx) => open(tx, command, options)),
    markSent: (attempt, scope) => db.transaction(scope, (tx) => markSent(tx, "transactions", attempt, options)),
    record: (attempt, answer, delayMs, scope) =>
      db.transaction(scope, (tx) => recordCharge(tx, { attempt, answer, delayMs }, options)),
    claimDue: (limit, scope) =>
      db.transaction(scope, async (tx) => {
        const due = await lockDue(tx, "transactions", limit);
        const rows = await claim<TransactionRow>(tx, "transactions", due, options);
        return rows.map((row) => toAttempt(row, row.earlier));
      }),
  };
}

/** Of many calls at once, the unique indexes let one insert: the others wait for it, and find its row. */
async function open(tx: Tx, command: ChargeCommand, options: ChargesOptions): Promise<OpenedCharge> {
  const inserted = await tx
    .insertInto("transactions")
    .values({
      id: `txn_${options.newId()}`,
      customer_id: command.customerId,
      order_id: command.orderId,
      idempotency_key: command.idempotencyKey,
      request_hash: command.requestHash,
      amount: command.amount.minorUnits,
      currency_code: command.amount.currencyCode,
      payment_method: command.paymentMethod,
      state: TransactionState.Pending,
      decline_code: null,
      provider_capture_id: null,
      ...leased(options),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (inserted !== undefined) return { kind: "claimed", attempt: toAttempt(inserted, "none") };

  const earlier = await tx
    .selectFrom("transactions")
    .selectAll()
    .select(leaseLeftMs.as("lease_left_ms"))
    .where("customer_id", "=", command.customerId)
    .where("idempotency_key", "=", command.idempotencyKey)
    .forUpdate()
    .executeTakeFirst();
  // The key is new, so it was the order that the insert collided with.
  if (earlier === undefined) return { kind: "order_already_charged", state: await stateOfOther(tx, command) };
  return repeat(tx, earlier, command, options);
}

/** How far another charge of the order is that has not failed. */
async function stateOfOther(tx: Tx, { orderId, customerId, idempotencyKey }: ChargeCommand): Promise<TransactionState> {
  const other = await tx
    .selectFrom("transactions")
    .select("state")
    .where("order_id", "=", orderId)
    .where("state", "<>", TransactionState.Failed)
    // A copy of this call may have come in since.
    .where((row) => row.or([row("customer_id", "<>", customerId), row("idempotency_key", "<>", idempotencyKey)]))
    .executeTakeFirst();
  // One that has failed since was open a moment ago: a repeat will find out.
  return other?.state ?? TransactionState.Pending;
}

async function repeat(
  tx: Tx,
  row: TransactionRow & { lease_left_ms: number },
  command: ChargeCommand,
  options: LeaseOptions,
): Promise<OpenedCharge> {
  const pending = row.state === TransactionState.Pending;
  const recorded = { requestHash: row.request_hash, pending, leaseLeftMs: row.lease_left_ms };
  const admitted = admitRepeat(recorded, command.requestHash);
  if (admitted.kind === "settled") return { kind: "settled", transaction: toTransaction(row) };
  if (admitted.kind !== "take_over") return admitted;
  const [claimed] = await claim<TransactionRow>(tx, "transactions", [row.id], options);
  if (claimed === undefined) throw new Error(`Cannot claim "${row.id}": it is locked, and yet not there`);
  return { kind: "claimed", attempt: toAttempt(claimed, claimed.earlier) };
}

function toAttempt(row: TransactionRow, earlier: Attempt["earlier"]): ChargeAttempt {
  return {
    id: row.id,
    fence: row.fence,
    attempts: row.attempts,
    earlier,
    customerId: row.customer_id,
    orderId: row.order_id,
    amount: { currencyCode: row.currency_code, minorUnits: row.amount },
    paymentMethod: row.payment_method,
  };
}
