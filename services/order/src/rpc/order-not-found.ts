import { RpcError, Status } from "@holdfast/rpc";

/** NOT_FOUND, ORDER_NOT_FOUND. */
export function orderNotFound(orderId: string): RpcError {
  const resource = { type: "ecommerce.order.v1.Order", name: orderId };
  const text = `Cannot find order "${orderId}": there is none`;
  return new RpcError(Status.NOT_FOUND, "ORDER_NOT_FOUND", text, { order_id: orderId }, { resource });
}
