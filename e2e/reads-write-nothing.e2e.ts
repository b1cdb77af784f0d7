import { methods } from "@holdfast/contracts/methods";
import { expect, test } from "vitest";
import { anOrder, aProduct, clients, settled } from "./support/clients.ts";
import { tableContents } from "./support/table-contents.ts";

test("no method that the contract calls free of side effects writes", async () => {
  const all = clients();
  const { orders, products, payments, admin } = all;
  const product = await aProduct(all);
  const request = anOrder(product);
  const { order } = await orders.createOrder(request);
  const { id: orderId } = await settled(all, order?.id ?? "");
  const { customerId } = request;

  const first = async (responses: AsyncIterable<unknown>) => {
    for await (const response of responses) return response;
    throw new Error("The stream ended without a message");
  };
  const subscribe = async function* () {
    yield { subscribe: [product.id], unsubscribe: [] };
  };
  const reads: Record<string, () => Promise<unknown>> = {
    "admin.v1.AdminService/ListTargets": () => admin.listTargets({}),
    "order.v1.OrderService/GetOrder": () => orders.getOrder({ orderId }),
    "order.v1.OrderService/ListOrders": () => orders.listOrders({ customerId }),
    "order.v1.OrderService/StreamOrderUpdates": () => first(orders.streamOrderUpdates({ orderId })),
    "payment.v1.PaymentService/GetTransactionStatus": () =>
      payments.getTransactionStatus({ customerId, idempotencyKey: `${orderId}:capture:1` }),
    "product.v1.ProductService/GetProduct": () => products.getProduct({ productId: product.id }),
    "product.v1.ProductService/BatchGetProducts": () => products.batchGetProducts({ productIds: [product.id] }),
    "product.v1.ProductService/ListProducts": () => first(products.listProducts({ pageSize: 1 })),
    "product.v1.ProductService/WatchStock": () => first(products.watchStock(subscribe())),
  };
  const declared = Object.entries(methods).filter(([, { idempotency }]) => idempotency === "NO_SIDE_EFFECTS");
  expect(Object.keys(reads).toSorted()).toEqual(declared.map(([path]) => path.replace("/ecommerce.", "")).toSorted());

  const before = await tableContents();
  for (const [name, read] of Object.entries(reads)) {
    await read();
    expect({ after: name, ...(await tableContents()) }).toEqual({ after: name, ...before });
  }
});
