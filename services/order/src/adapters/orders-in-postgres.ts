import { type Database, type Selectable, sql, type Transaction } from "@holdfast/storage";
import { cutPage, type OrderPage, type PagePosition } from "../domain/order-page.ts";
import type { Order } from "../domain/order.ts";
import { decide } from "../domain/saga/decide.ts";
import type { Scope } from "../domain/scope.ts";
import type { EventToJson } from "./append-event.ts";
import { wakeWorkers } from "./notify.ts";
import { readLines } from "./read-lines.ts";
import { saveDecision } from "./save-decision.ts";
import type { Schema } from "./schema.ts";
import { toOrder } from "./to-order.ts";
import { toSaga } from "./to-saga.ts";

/** One order, as it is now. */
export function findOrder(db: Database<Schema>) {
  return (orderId: string, scope: Scope): Promise<Order | undefined> =>
    db.transaction(scope, async (tx) => {
      const row = await tx.selectFrom("orders").selectAll().where("id", "=", orderId).executeTakeFirst();
      return row && withLines(tx, row);
    });
}

/** A customer's orders, the newest first, from after a position. */
export function listOrders(db: Database<Schema>) {
  return (
    query: { customerId: string; limit: number; after: PagePosition | undefined },
    scope: Scope,
  ): Promise<OrderPage> =>
    db.transaction(scope, async (tx) => {
      const { customerId, limit, after } = query;
      const rows = await tx
        .selectFrom("orders")
        .selectAll()
        .where("customer_id", "=", customerId)
        .$if(after !== undefined, (it) =>
          it.where(sql<boolean>`(create_time, id) < (${after?.createTime}::timestamptz, ${after?.orderId})`),
        )
        .orderBy("create_time", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1)
        .execute();
      const { kept, hasMore } = cutPage(rows, limit, (row) => row.line_count);
      if (kept.length === 0) return { orders: [], hasMore };
      const lines = await readLines(
        tx,
        kept.map(({ id }) => id),
      );
      return { orders: kept.map((row) => toOrder(row, lines.get(row.id) ?? [])), hasMore };
    });
}

/**
 * Decides, under the order's row lock, that the order is to be cancelled, and wakes the worker that sees to it. The answer
 * has no `cancelReason` if it was refused; `undefined`: no such order.
 */
export function cancelOrder(db: Database<Schema>, eventToJson: EventToJson) {
  return (orderId: string, scope: Scope): Promise<Order | undefined> =>
    db.transaction(scope, async (tx) => {
      const row = await tx.selectFrom("orders").selectAll().where("id", "=", orderId).forUpdate().executeTakeFirst();
      if (row === undefined) return undefined;
      const decision = decide(toSaga(row), { kind: "cancel_requested" });
      if (decision.effects.length === 0) return withLines(tx, row);
      await wakeWorkers(tx);
      return withLines(tx, await saveDecision(tx, row, decision, { eventToJson }));
    });
}

async function withLines(tx: Transaction<Schema>, row: Selectable<Schema["orders"]>): Promise<Order> {
  const lines = await readLines(tx, [row.id]);
  return toOrder(row, lines.get(row.id) ?? []);
}
