import { type Selectable, sql, type Transaction } from "@holdfast/storage";
import { OrderState } from "../domain/order.ts";
import type { OrderEvent } from "../domain/order-event.ts";
import { wakeFollowers } from "./notify.ts";
import type { Schema } from "./schema.ts";

/** protobuf JSON of an event, as the broker gets it. */
export type EventToJson = (event: OrderEvent) => unknown;

/** Where each state's event goes: part of the contract with the consumers. */
const ROUTING_KEYS: Readonly<Record<OrderState, string>> = {
  [OrderState.Pending]: "order.created",
  [OrderState.StockReserved]: "order.stock_reserved",
  [OrderState.Paid]: "order.paid",
  [OrderState.Confirmed]: "order.confirmed",
  [OrderState.Cancelled]: "order.cancelled",
};

/**
 * Tells, in the transaction that brought the order into its state: the log, the outbox, and whoever follows the order or
 * its customer. Locks the customer's counter, always after the order's row, and holds it until the commit: call it last.
 */
export async function appendEvent(
  tx: Transaction<Schema>,
  order: Pick<Selectable<Schema["orders"]>, "id" | "customer_id" | "state" | "cancel_reason" | "version">,
  eventToJson: EventToJson,
): Promise<void> {
  const counted = await tx
    .insertInto("customer_counters")
    .values({ customer_id: order.customer_id, last_sequence: 1n })
    .onConflict((conflict) =>
      conflict.column("customer_id").doUpdateSet({ last_sequence: sql<bigint>`customer_counters.last_sequence + 1` }),
    )
    .returning("last_sequence")
    .executeTakeFirstOrThrow();
  // A cancellation that is only decided shows in no event: the state has not changed by it.
  const reason = order.state === OrderState.Cancelled ? order.cancel_reason : null;
  const key = { order_id: order.id, sequence: order.version };
  const { time } = await tx
    .insertInto("order_events")
    .values({
      ...key,
      state: order.state,
      reason,
      customer_id: order.customer_id,
      customer_sequence: counted.last_sequence,
    })
    .returning("time")
    .executeTakeFirstOrThrow();
  const event: OrderEvent = {
    orderId: order.id,
    sequence: order.version,
    state: order.state,
    reason: reason ?? undefined,
    customerId: order.customer_id,
    customerSequence: counted.last_sequence,
    time,
  };
  await tx
    .insertInto("outbox")
    .values({ ...key, routing_key: ROUTING_KEYS[order.state], payload: JSON.stringify(eventToJson(event)) })
    .execute();
  await wakeFollowers(tx, order.id, order.customer_id);
}
