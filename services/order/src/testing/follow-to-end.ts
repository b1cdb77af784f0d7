import {
  type Order,
  type OrderEvent,
  Order_CancelReason,
  Order_State,
} from "@holdfast/contracts/ecommerce/order/v1/order";
import type { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import type { Connected } from "@holdfast/rpc";

/** The states that an order comes through, until it is over. */
export async function followToEnd(
  client: Pick<Connected<typeof OrderServiceDefinition>, "streamOrderUpdates">,
  orderId: string,
): Promise<OrderEvent[]> {
  const events: OrderEvent[] = [];
  for await (const { event } of client.streamOrderUpdates({ orderId })) if (event !== undefined) events.push(event);
  return events;
}

/** `PENDING PAID CANCELLED(EXPIRED)` */
export function statesOf(events: readonly Pick<OrderEvent, "state" | "reason">[]): string {
  return events.map(({ state, reason }) => nameOf(state, reason)).join(" ");
}

/** `CANCELLED(EXPIRED)`; a cancellation that is only decided shows as well. */
export function endOf({ state, cancelReason }: Order): string {
  return nameOf(state, cancelReason);
}

function nameOf(state: Order_State, reason: Order_CancelReason): string {
  const name = keyOf(Order_State, state).replace("STATE_", "");
  const why = keyOf(Order_CancelReason, reason).replace("CANCEL_REASON_", "");
  return why === "UNSPECIFIED" ? name : `${name}(${why})`;
}

function keyOf(table: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(table).find((key) => table[key] === value) ?? String(value);
}
