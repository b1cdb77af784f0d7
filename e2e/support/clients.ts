import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { AdminServiceDefinition } from "@holdfast/contracts/ecommerce/admin/v1/admin_service";
import { type Order, Order_State } from "@holdfast/contracts/ecommerce/order/v1/order";
import type { CreateOrderRequest } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import type { Product } from "@holdfast/contracts/ecommerce/product/v1/product";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { client, connect, RemoteError, Status } from "@holdfast/rpc";
import type { StackFile } from "@holdfast/stack";
import { inject } from "vitest";

const timeoutMs = 30_000;

/** Clients of the shared system. */
export function clients() {
  return clientsOf(inject("stack").targets);
}

/** Clients of a system. What fails for a moment is tried again, like every good client does. */
export function clientsOf(targets: StackFile["targets"]) {
  const chain = [client.context(), client.errors(), client.deadline(), client.retry()];
  return {
    orders: connect(OrderServiceDefinition, targets.order, { timeoutMs, chain }),
    products: connect(ProductServiceDefinition, targets.product, { timeoutMs, chain }),
    payments: connect(PaymentServiceDefinition, targets.payment, { chain }),
    admin: connect(AdminServiceDefinition, targets.order),
  };
}

type Clients = ReturnType<typeof clients>;

/** A product that no other test knows. */
export async function aProduct({ products }: Clients, { stock = 100, pence = 250n } = {}): Promise<Product> {
  const { product } = await products.createProduct({
    name: "Lantern",
    sku: `E2E-${randomUUID()}`,
    price: { currencyCode: "GBP", minorUnits: pence },
    stock,
    idempotencyKey: randomUUID(),
  });
  if (product === undefined) throw new Error("CreateProduct answered without a product");
  return product;
}

/** A request for one unit. */
export function anOrder(product: Product, overrides: Partial<CreateOrderRequest> = {}): CreateOrderRequest {
  return {
    customerId: `e2e-${randomUUID()}`,
    items: [{ productId: product.id, quantity: 1 }],
    idempotencyKey: randomUUID(),
    expectedTotal: undefined,
    paymentMethod: "pm_card_ok",
    ...overrides,
  };
}

/** Makes a call as a caller has to: where the answer is UNAVAILABLE, again, when the server says. */
async function available<T>(call: () => Promise<T>): Promise<T> {
  while (true) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RemoteError) || error.code !== Status.UNAVAILABLE) throw error;
      await wait(error.retryAfterMs ?? 100);
    }
  }
}

/** Places an order, each time with the same key. @returns Its id. */
export async function placed({ orders }: Clients, request: CreateOrderRequest): Promise<string> {
  const { order } = await available(() => orders.createOrder(request));
  return order?.id ?? "";
}

/** Follows an order to its end. */
export async function settled({ orders }: Clients, orderId: string): Promise<Order> {
  await available(async () => {
    for await (const _ of orders.streamOrderUpdates({ orderId })) void _;
  });
  const { order } = await available(() => orders.getOrder({ orderId }));
  if (order === undefined) throw new Error("GetOrder answered without an order");
  if (order.state !== Order_State.STATE_CONFIRMED && order.state !== Order_State.STATE_CANCELLED) {
    throw new Error(`The stream of ${orderId} ended in state ${order.state}`);
  }
  return order;
}
