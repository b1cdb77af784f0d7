import { create, type DescMethod, fromJson, type JsonObject, type Message } from "@bufbuild/protobuf";

/** A request of each method that keeps every rule of the contract, as proto JSON. None of them names anything that exists. */
const goodRequests: Record<string, JsonObject> = {
  "ecommerce.payment.v1.PaymentService.Charge": {
    customerId: "bad-input",
    amount: { currencyCode: "GBP", minorUnits: "100" },
    idempotencyKey: "bad-input-charge",
    orderId: "ord_badinput",
    paymentMethod: "pm_card_ok",
  },
  "ecommerce.payment.v1.PaymentService.Refund": {
    transactionId: "txn_badinput",
    amount: { currencyCode: "GBP", minorUnits: "100" },
    idempotencyKey: "bad-input-refund",
    reason: "none",
  },
  "ecommerce.payment.v1.PaymentService.GetTransactionStatus": { idempotencyKey: "bad-input-status", customerId: "c-1" },
  "ecommerce.product.v1.ProductService.GetProduct": { productId: "prod_badinput" },
  "ecommerce.product.v1.ProductService.BatchGetProducts": { productIds: ["prod_badinput", "prod_badinput2"] },
  "ecommerce.product.v1.ProductService.ListProducts": {
    pageSize: 1,
    pageToken: "not-a-token",
    nameContains: "no product is called this",
    inStockOnly: true,
  },
  "ecommerce.product.v1.ProductService.CreateProduct": {
    name: "Bad input",
    price: { currencyCode: "GBP", minorUnits: "100" },
    stock: 1,
    sku: "BAD-INPUT",
    description: "none",
    idempotencyKey: "bad-input-product",
  },
  "ecommerce.product.v1.ProductService.ImportProducts": {
    rows: [
      {
        sku: "BAD-ROW",
        name: "Bad row",
        price: { currencyCode: "GBP", minorUnits: "100" },
        stock: 1,
        description: "none",
      },
    ],
  },
  "ecommerce.product.v1.ProductService.WatchStock": { subscribe: ["prod_badinput"], unsubscribe: ["prod_badinput2"] },
  "ecommerce.product.v1.ProductService.ReserveStock": {
    orderId: "ord_badinput",
    items: [{ productId: "prod_badinput", quantity: 1 }],
  },
  "ecommerce.product.v1.ProductService.CommitStock": { orderId: "ord_badinput" },
  "ecommerce.product.v1.ProductService.ReleaseStock": { orderId: "ord_badinput" },
  "ecommerce.order.v1.OrderService.CreateOrder": {
    customerId: "bad-input",
    items: [{ productId: "prod_badinput", quantity: 1 }],
    idempotencyKey: "bad-input-order",
    expectedTotal: { currencyCode: "GBP", minorUnits: "100" },
    paymentMethod: "pm_card_ok",
  },
  "ecommerce.order.v1.OrderService.GetOrder": { orderId: "ord_badinput" },
  "ecommerce.order.v1.OrderService.ListOrders": { customerId: "bad-input", pageSize: 1, pageToken: "not-a-token" },
  "ecommerce.order.v1.OrderService.CancelOrder": { orderId: "ord_badinput" },
  "ecommerce.order.v1.OrderService.StreamOrderUpdates": { orderId: "ord_badinput", afterSequence: "1" },
  "ecommerce.admin.v1.AdminService.ListTargets": { nameContains: "payment" },
};

/** @throws {Error} For a method that has none: a new method needs one. */
export function goodRequest(method: DescMethod): Message {
  const json = goodRequests[`${method.parent.typeName}.${method.name}`];
  if (json === undefined) throw new Error(`Add a good request of ${method.name} to good-requests.ts`);
  return fromJson(method.input, json) ?? create(method.input);
}
