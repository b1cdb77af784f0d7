import {
  type Order as OrderProto,
  Order_CancelReason,
  Order_State,
} from "@holdfast/contracts/ecommerce/order/v1/order";
import type { CancelReason, Order, OrderState } from "../domain/order.ts";

/** An order as the contract has it. */
export function orderToProto(order: Order): OrderProto {
  const { currencyCode } = order.total;
  return {
    id: order.id,
    customerId: order.customerId,
    state: stateToProto(order.state),
    lines: order.lines.map(({ productId, name, quantity, unitPrice }) => ({
      productId,
      name,
      quantity,
      unitPrice: { currencyCode, minorUnits: unitPrice },
    })),
    total: { currencyCode, minorUnits: order.total.minorUnits },
    cancelReason: cancelReasonToProto(order.cancelReason),
    version: order.version,
    createTime: order.createTime,
    updateTime: order.updateTime,
    transactionId: order.transactionId ?? "",
  };
}

/** PENDING is STATE_PENDING, and so on. */
export function stateToProto(state: OrderState): Order_State {
  return Order_State[`STATE_${state}`];
}

/** EXPIRED is CANCEL_REASON_EXPIRED, and so on. */
export function cancelReasonToProto(reason: CancelReason | undefined): Order_CancelReason {
  return Order_CancelReason[`CANCEL_REASON_${reason ?? "UNSPECIFIED"}`];
}
