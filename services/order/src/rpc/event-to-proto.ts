import { OrderEvent as OrderEventProto, OrderEvent_Type } from "@holdfast/contracts/ecommerce/order/v1/order";
import type { OrderState } from "../domain/order.ts";
import type { OrderEvent } from "../domain/order-event.ts";
import { cancelReasonToProto, stateToProto } from "./order-to-proto.ts";

const TYPES: Readonly<Record<OrderState, OrderEvent_Type>> = {
  PENDING: OrderEvent_Type.TYPE_CREATED,
  STOCK_RESERVED: OrderEvent_Type.TYPE_STOCK_RESERVED,
  PAID: OrderEvent_Type.TYPE_PAID,
  CONFIRMED: OrderEvent_Type.TYPE_CONFIRMED,
  CANCELLED: OrderEvent_Type.TYPE_CANCELLED,
};

/** An event as the contract has it, on the stream and on the broker alike. */
export function eventToProto(event: OrderEvent): OrderEventProto {
  return {
    orderId: event.orderId,
    sequence: BigInt(event.sequence),
    type: TYPES[event.state],
    state: stateToProto(event.state),
    time: event.time,
    reason: cancelReasonToProto(event.reason),
    customerId: event.customerId,
    customerSequence: event.customerSequence,
  };
}

/** Its protobuf JSON. */
export function eventToJson(event: OrderEvent): unknown {
  return OrderEventProto.toJSON(eventToProto(event));
}
