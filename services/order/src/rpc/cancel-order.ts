import type { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { type Handlers, RpcError, Status } from "@holdfast/rpc";
import type { Order } from "../domain/order.ts";
import type { Scope } from "../domain/scope.ts";
import { orderNotFound } from "./order-not-found.ts";
import { orderToProto } from "./order-to-proto.ts";

interface Dependencies {
  /** The order after the decision: without a `cancelReason` if it was refused. */
  cancelOrder: (orderId: string, scope: Scope) => Promise<Order | undefined>;
}

/** CancelOrder: the decision is durable when it is answered; the saga worker gives back what was taken. */
export function cancelOrder({ cancelOrder: cancel }: Dependencies): Handlers<OrderServiceDefinition>["cancelOrder"] {
  return async ({ orderId }, { deadline, signal }) => {
    const order = await cancel(orderId, { deadline, signal });
    if (order === undefined) throw orderNotFound(orderId);
    if (order.cancelReason === undefined) throw orderNotCancellable(order);
    return { order: orderToProto(order) };
  };
}

function orderNotCancellable({ id, state }: Order): RpcError {
  const text = `Cannot cancel order "${id}": it is ${state} and its stock is sold, or being sold`;
  const precondition = { type: "ORDER_NOT_CANCELLABLE", subject: id };
  const metadata = { order_id: id, state };
  return new RpcError(Status.FAILED_PRECONDITION, "ORDER_NOT_CANCELLABLE", text, metadata, { precondition });
}
