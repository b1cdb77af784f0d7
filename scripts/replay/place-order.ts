import { Order_State } from "@holdfast/contracts/ecommerce/order/v1/order";
import type { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { type Connected, RemoteError } from "@holdfast/rpc";
import { isPassing } from "./is-passing.ts";
import type { OrderOutcome } from "./order-outcome.ts";
import type { PlannedOrder } from "./orders-of.ts";
import type { Persistence } from "./persistence.ts";

/** Answers after 2 s: CancelOrder meets an order whose charge is under way. */
const RETURN_PAYMENT_METHOD = "pm_card_slow";

export interface PlaceOrderDeps {
  orders: Connected<typeof OrderServiceDefinition>;
  persistence: Persistence;
  signal: AbortSignal;
  /** Of sales. */
  paymentMethod: string;
  /** Part of every idempotency key: a replay with the same run goes on where the one before ended. */
  run: string;
  /** sku → product id. */
  productIds: ReadonlyMap<string, string>;
}

/** An order that the service has accepted. */
export interface AcceptedOrder {
  readonly kind: "accepted";
  readonly orderId: string;
  readonly totalPence: bigint;
  readonly cancelledTooLate: boolean;
}

export type PlacedOrder = AcceptedOrder | Extract<OrderOutcome, { kind: "refused" | "given up" }>;

/**
 * Places an order, under the same key however often it takes, and cancels it if it is a return: every other one at once,
 * so that there is stock to release at most, the others while they are being charged, so that there is money to refund.
 */
export async function placeOrder(planned: PlannedOrder, deps: PlaceOrderDeps): Promise<PlacedOrder> {
  const { orders, persistence, signal, run } = deps;
  const request = {
    customerId: planned.customerId,
    items: planned.items.map(({ sku, quantity }) => ({ productId: deps.productIds.get(sku) ?? "", quantity })),
    idempotencyKey: `replay-${run}-${planned.name}`,
    expectedTotal: { currencyCode: "GBP", minorUnits: planned.totalPence },
    paymentMethod: planned.isReturn ? RETURN_PAYMENT_METHOD : deps.paymentMethod,
  };
  try {
    const { order } = await persistence.insist(() => orders.createOrder(request, { signal }));
    persistence.disturb();
    const orderId = order?.id ?? "";
    if (planned.isReturn && Number(planned.invoiceNo.at(-1)) % 2 === 0) await reachCharge(orderId, deps);
    const cancelledTooLate = planned.isReturn && !(await cancel(orderId, deps));
    return { kind: "accepted", orderId, totalPence: order?.total?.minorUnits ?? 0n, cancelledTooLate };
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    return { kind: isPassing(error) ? "given up" : "refused", error };
  }
}

/** Waits until the order's stock is reserved: its charge is the next step. Where the stream breaks, so does the wait. */
async function reachCharge(orderId: string, { orders, signal }: PlaceOrderDeps): Promise<void> {
  try {
    for await (const { event } of orders.streamOrderUpdates({ orderId }, { signal })) {
      if (event !== undefined && event.state !== Order_State.STATE_PENDING) return;
    }
  } catch (error) {
    if (signal.aborted || !isPassing(error)) throw error;
  }
}

/** False if the order can no longer be cancelled. */
async function cancel(orderId: string, { orders, persistence, signal }: PlaceOrderDeps): Promise<boolean> {
  try {
    await persistence.insist(() => orders.cancelOrder({ orderId }, { signal }));
    return true;
  } catch (error) {
    if (error instanceof RemoteError && error.reason === "ORDER_NOT_CANCELLABLE") return false;
    throw error;
  }
}
