/**
 * What looks wrong and is right: an absent value that the contract gives a meaning, or a number that it allows. All the
 * rest has to be refused. Each line is `Method.field: kind`.
 */
export const accepted: ReadonlySet<string> = new Set([
  "Refund.amount: missing",
  "Refund.reason: missing",
  "Refund.reason: SQL",
  "GetTransactionStatus.customer_id: missing",
  "ListProducts.page_size: missing",
  "ListProducts.page_size: too large",
  "ListProducts.page_token: missing",
  "ListProducts.name_contains: missing",
  "ListProducts.name_contains: SQL",
  "CreateProduct.name: SQL",
  "CreateProduct.stock: missing",
  "CreateProduct.description: missing",
  "CreateProduct.description: SQL",
  "ImportProducts.rows: empty list",
  "ImportProducts.rows[0].name: SQL",
  "ImportProducts.rows[0].stock: missing",
  "ImportProducts.rows[0].description: missing",
  "ImportProducts.rows[0].description: SQL",
  "WatchStock.subscribe: empty list",
  "WatchStock.unsubscribe: empty list",
  "CreateOrder.expected_total: missing",
  "ListOrders.page_size: missing",
  "ListOrders.page_size: too large",
  "ListOrders.page_token: missing",
  "StreamOrderUpdates.after_sequence: missing",
  "StreamOrderUpdates.after_sequence: too large",
  "ListTargets.name_contains: missing",
  "ListTargets.name_contains: SQL",
]);
