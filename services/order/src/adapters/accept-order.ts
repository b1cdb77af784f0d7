import { type Database, DatabaseError, DatabaseErrorKind, sql, type Transaction } from "@holdfast/storage";
import type { Acceptance, AcceptOutcome } from "../domain/acceptance.ts";
import { type NewOrder, type Order, OrderState } from "../domain/order.ts";
import type { Scope } from "../domain/scope.ts";
import { appendEvent, type EventToJson } from "./append-event.ts";
import { insertReply, readReply } from "./order-keys-in-postgres.ts";
import type { Schema } from "./schema.ts";
import { wakeWorkers } from "./notify.ts";

/** Longest wait for another call with the same key, and for other orders of the customer. Unit: milliseconds. */
const LOCK_TIMEOUT_MS = 1_000;

/**
 * Accepts an order once per key: the order, its answer, its first event and the outbox row are committed together or not
 * at all. Of many calls at once the unique index lets one through; the others wait for it and get its answer.
 */
export function acceptOrder(db: Database<Schema>, eventToJson: EventToJson) {
  return async ({ key, order, responseTo }: Acceptance, scope: Scope): Promise<AcceptOutcome> => {
    let isWaitingForKey = true;
    const work = async (tx: Transaction<Schema>): Promise<AcceptOutcome> => {
      isWaitingForKey = true;
      const response = responseTo(accepted(order, await transactionTime(tx)));
      const isFirst = await insertReply(tx, key, response);
      isWaitingForKey = false;
      if (!isFirst) return found(await readReply(tx, key));
      await insertOrder(tx, order);
      await insertLines(tx, order);
      await wakeWorkers(tx);
      const first = { id: order.id, customer_id: order.customerId, version: 1, cancel_reason: null };
      await appendEvent(tx, { ...first, state: OrderState.Pending }, eventToJson);
      return { kind: "accepted", response };
    };
    try {
      return await db.transaction(scope, work, { lockTimeoutMs: LOCK_TIMEOUT_MS });
    } catch (error) {
      const isLockTimeout = error instanceof DatabaseError && error.kind === DatabaseErrorKind.LockTimeout;
      if (isLockTimeout && isWaitingForKey) return { kind: "key_in_use" };
      throw error;
    }
  };
}

/** What the columns' defaults will be. */
async function transactionTime(tx: Transaction<Schema>): Promise<Date> {
  const { rows } = await sql<{ time: Date }>`select date_trunc('milliseconds', now()) as time`.execute(tx);
  return found(rows[0]).time;
}

function accepted({ id, customerId, lines, total }: NewOrder, time: Date): Order {
  return {
    id,
    customerId,
    lines,
    total,
    state: OrderState.Pending,
    cancelReason: undefined,
    transactionId: undefined,
    version: 1,
    createTime: time,
    updateTime: time,
  };
}

async function insertOrder(tx: Transaction<Schema>, order: NewOrder): Promise<void> {
  await tx
    .insertInto("orders")
    .values({
      id: order.id,
      customer_id: order.customerId,
      currency_code: order.total.currencyCode,
      total_minor_units: order.total.minorUnits,
      payment_method: order.paymentMethod,
      line_count: order.lines.length,
    })
    .execute();
}

/** One statement with five parameters, however many lines. */
async function insertLines(tx: Transaction<Schema>, { id, lines }: NewOrder): Promise<void> {
  await sql`
    insert into order_lines (order_id, line_number, product_id, name, quantity, unit_price_minor_units)
    select ${id}, line.number, line.product_id, line.name, line.quantity, line.unit_price
    from unnest(
      ${lines.map((line) => line.productId)}::text[],
      ${lines.map((line) => line.name)}::text[],
      ${lines.map((line) => line.quantity)}::integer[],
      ${lines.map((line) => String(line.unitPrice))}::bigint[]
    ) with ordinality as line (product_id, name, quantity, unit_price, number)`.execute(tx);
}

function found<T>(row: T | undefined): T {
  if (row === undefined) throw new Error("Cannot accept the order: a row is missing that was there a moment ago");
  return row;
}
