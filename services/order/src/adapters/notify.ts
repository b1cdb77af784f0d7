import { sql, type Transaction } from "@holdfast/storage";
import type { Schema } from "./schema.ts";

/** The channel on which workers hear that an order is due. */
export const WORK_CHANNEL = "order_work";
/** The channel on which streams hear of events; the payload is the order's id, and the customer's. */
export const EVENTS_CHANNEL = "order_events";

/** Wakes the saga workers of all instances once the transaction is committed. */
export async function wakeWorkers(tx: Transaction<Schema>): Promise<void> {
  await sql`select pg_notify(${WORK_CHANNEL}, '')`.execute(tx);
}

/** Wakes whoever follows the order or its customer, once the transaction is committed. */
export async function wakeFollowers(tx: Transaction<Schema>, orderId: string, customerId: string): Promise<void> {
  await sql`
    select pg_notify(${EVENTS_CHANNEL}, ${orderId}), pg_notify(${EVENTS_CHANNEL}, ${customerId})`.execute(tx);
}
