import {
  Order_CancelReason,
  Order_State,
  type OrderEvent,
  order_CancelReasonToJSON,
  order_StateToJSON,
} from "@holdfast/contracts/ecommerce/order/v1/order";
import type { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { type Connected, RemoteError, Status } from "@holdfast/rpc";
import type { Clock } from "./clock.ts";
import { isPassing } from "./is-passing.ts";
import type { Persistence } from "./persistence.ts";

/** How long after the last fault, order or event of any order all have to be settled. Unit: milliseconds. Source: I3. */
export const SETTLE_MS = 30_000;

export interface FollowOrderDeps {
  orders: Connected<typeof OrderServiceDefinition>;
  persistence: Persistence;
  clock: Clock;
  signal: AbortSignal;
  /** @default SETTLE_MS */
  settleMs?: number;
}

export type FollowedOrder =
  | { kind: "terminal"; state: "CONFIRMED" | "CANCELLED"; reason: string }
  | { kind: "not terminal"; state: string };

/**
 * Follows an order's events to its end; a broken stream goes on after the last event that arrived.
 *
 * @throws {Error} If an event is missing or comes twice.
 */
export async function followOrder(orderId: string, deps: FollowOrderDeps): Promise<FollowedOrder> {
  const { orders, persistence, clock, signal, settleMs = SETTLE_MS } = deps;
  let last: OrderEvent | undefined;
  for (let failures = 0; !persistence.hopeless && clock.now() < persistence.disturbedAt + settleMs; failures++) {
    try {
      const request = { orderId, afterSequence: last?.sequence ?? 0n };
      for await (const { event } of orders.streamOrderUpdates(request, { signal })) {
        persistence.succeeded();
        if (event === undefined) continue; // a heartbeat
        assertNext(orderId, last, event);
        last = event;
        persistence.disturb(); // a backlog may take long, as long as it gets on
        failures = 0;
        const state = terminalStateOf(event);
        if (state !== undefined) return { kind: "terminal", state, reason: reasonOf(event) };
      }
      await persistence.pause(failures);
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
      // The stream's own time is over, which is no fault: an order may take longer.
      const silent = error instanceof RemoteError && error.code === Status.DEADLINE_EXCEEDED;
      await persistence.pause(failures, silent ? undefined : error);
    }
  }
  return { kind: "not terminal", state: nameOf(last?.state ?? Order_State.STATE_UNSPECIFIED) };
}

function assertNext(orderId: string, last: OrderEvent | undefined, event: OrderEvent): void {
  const expected = (last?.sequence ?? 0n) + 1n;
  if (event.sequence === expected) return;
  throw new Error(`Order "${orderId}" has event ${event.sequence} where ${expected} is due`);
}

function terminalStateOf({ state }: OrderEvent): "CONFIRMED" | "CANCELLED" | undefined {
  if (state === Order_State.STATE_CONFIRMED) return "CONFIRMED";
  return state === Order_State.STATE_CANCELLED ? "CANCELLED" : undefined;
}

const nameOf = (state: Order_State) => order_StateToJSON(state).replace("STATE_", "");

function reasonOf({ reason }: OrderEvent): string {
  return reason === Order_CancelReason.CANCEL_REASON_UNSPECIFIED
    ? ""
    : order_CancelReasonToJSON(reason).replace("CANCEL_REASON_", "");
}
