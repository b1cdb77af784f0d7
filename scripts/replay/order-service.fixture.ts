import {
  Order_CancelReason,
  Order_State,
  type OrderEvent,
  OrderEvent_Type,
} from "@holdfast/contracts/ecommerce/order/v1/order";
import { type CreateOrderRequest, OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { createLogger } from "@holdfast/process";
import { connect, type Handlers, RpcError, serve, Status } from "@holdfast/rpc";

export type OrderHandlers = Handlers<typeof OrderServiceDefinition>;

const unused = () => {
  throw new RpcError(Status.UNIMPLEMENTED, "UNIMPLEMENTED", "Cannot be called in this test");
};

/** An order service that answers what a test wants, over real gRPC, and a client of it. */
export async function anOrderService(handlers: Partial<OrderHandlers>) {
  await using resources = new AsyncDisposableStack();
  const all: OrderHandlers = {
    createOrder: unused,
    getOrder: unused,
    listOrders: unused,
    cancelOrder: unused,
    streamOrderUpdates: unused,
    ...handlers,
  };
  const log = createLogger({ service: "order", level: "silent" });
  const server = resources.use(await serve(OrderServiceDefinition, all, { listen: "127.0.0.1:0", log }));
  const target = `127.0.0.1:${server.port}`;
  const orders = resources.use(connect(OrderServiceDefinition, target, { timeoutMs: 5_000 }));
  const open = resources.move();
  return { orders, target, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** An accepted order of a request, as the service answers it. */
export function accepted(request: CreateOrderRequest, id = "ord_1") {
  return { order: { id, customerId: request.customerId, total: request.expectedTotal } };
}

/** The n-th event of an order that goes through these states. */
export function eventsOf(orderId: string, ...states: Order_State[]): OrderEvent[] {
  return states.map((state, index) => ({
    orderId,
    sequence: BigInt(index + 1),
    type: OrderEvent_Type.TYPE_CREATED,
    state,
    time: undefined,
    reason:
      state === Order_State.STATE_CANCELLED
        ? Order_CancelReason.CANCEL_REASON_CUSTOMER_REQUEST
        : Order_CancelReason.CANCEL_REASON_UNSPECIFIED,
    customerId: "17850",
    customerSequence: BigInt(index + 1),
  }));
}
