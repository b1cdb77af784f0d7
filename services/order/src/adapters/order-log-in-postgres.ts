import { type Database, type Selectable, sql } from "@holdfast/storage";
import { isTerminal } from "../domain/order.ts";
import type { OrderEvent } from "../domain/order-event.ts";
import type { EventPage } from "../domain/event-page.ts";
import type { Scope } from "../domain/scope.ts";
import type { Schema } from "./schema.ts";

/** Events of one order; `undefined`: no such order. */
export function readOrderEvents(db: Database<Schema>) {
  return (orderId: string, after: bigint, limit: number, scope: Scope): Promise<EventPage | undefined> =>
    db.transaction(scope, async (tx) => {
      // The state first: an order that is seen to be over has its last event in the log by then.
      const order = await tx.selectFrom("orders").select("state").where("id", "=", orderId).executeTakeFirst();
      if (order === undefined) return undefined;
      const rows = await tx
        .selectFrom("order_events")
        .selectAll()
        .where("order_id", "=", orderId)
        .where("sequence", ">", sql<number>`${after}::bigint`)
        .orderBy("sequence")
        .limit(limit)
        .execute();
      return { events: rows.map(toEvent), isLast: isTerminal(order.state) && rows.length < limit };
    });
}

/** Events of all orders of a customer; a customer without orders has none. */
export function readCustomerEvents(db: Database<Schema>) {
  return (customerId: string, after: bigint, limit: number, scope: Scope): Promise<EventPage> =>
    db.transaction(scope, async (tx) => {
      const rows = await tx
        .selectFrom("order_events")
        .selectAll()
        .where("customer_id", "=", customerId)
        .where("customer_sequence", ">", after)
        .orderBy("customer_sequence")
        .limit(limit)
        .execute();
      return { events: rows.map(toEvent), isLast: false };
    });
}

function toEvent(row: Selectable<Schema["order_events"]>): OrderEvent {
  return {
    orderId: row.order_id,
    sequence: row.sequence,
    state: row.state,
    reason: row.reason ?? undefined,
    customerId: row.customer_id,
    customerSequence: row.customer_sequence,
    time: row.time,
  };
}
