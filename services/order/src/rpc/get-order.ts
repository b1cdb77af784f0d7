import type { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import type { Handlers } from "@holdfast/rpc";
import type { Order } from "../domain/order.ts";
import type { Scope } from "../domain/scope.ts";
import { orderNotFound } from "./order-not-found.ts";
import { orderToProto } from "./order-to-proto.ts";

interface Dependencies {
  findOrder: (orderId: string, scope: Scope) => Promise<Order | undefined>;
}

/** GetOrder: the order as it is now. */
export function getOrder({ findOrder }: Dependencies): Handlers<OrderServiceDefinition>["getOrder"] {
  return async ({ orderId }, { deadline, signal }) => {
    const order = await findOrder(orderId, { deadline, signal });
    if (order === undefined) throw orderNotFound(orderId);
    return { order: orderToProto(order) };
  };
}
