import type { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Connected, Handlers } from "@holdfast/rpc";
import { v7 as uuidv7 } from "uuid";
import { catalogueOverGrpc } from "./adapters/catalogue-over-grpc.ts";
import type { Store } from "./adapters/open-store.ts";
import type { Config } from "./config.ts";
import { cancelOrder } from "./rpc/cancel-order.ts";
import { createOrder } from "./rpc/create-order.ts";
import { getOrder } from "./rpc/get-order.ts";
import { listOrders } from "./rpc/list-orders.ts";
import { streamOrderUpdates } from "./rpc/stream-order-updates.ts";

interface Dependencies {
  store: Store;
  products: Pick<Connected<ProductServiceDefinition>, "batchGetProducts">;
  config: Pick<Config, "HEARTBEAT_MS" | "STREAM_POLL_MS">;
}

/** The five RPCs with what each needs. */
export function orderHandlers({ store, products, config }: Dependencies): Handlers<OrderServiceDefinition> {
  const newOrderId = () => `ord_${uuidv7().replaceAll("-", "")}`;
  return {
    createOrder: createOrder({ ...store, price: catalogueOverGrpc(products), newOrderId }),
    getOrder: getOrder(store),
    listOrders: listOrders(store),
    cancelOrder: cancelOrder(store),
    streamOrderUpdates: streamOrderUpdates({
      ...store,
      subscribe: store.subscribeToEvents,
      heartbeatMs: config.HEARTBEAT_MS,
      pollMs: config.STREAM_POLL_MS,
      now: Date.now,
      random: Math.random,
    }),
  };
}
