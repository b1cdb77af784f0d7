import { CreateOrderResponse } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import type { Books } from "./books.ts";
import type { Violation } from "./violation.ts";

interface Row {
  customer_id: string;
  key: string;
  response: Buffer;
}

/**
 * I7: each order has been answered under one idempotency key, and each answer that is kept is about an order that
 * exists. A key need not be kept for more than 24 hours.
 */
export async function checkIdempotencyRows({ orderBook }: Books): Promise<Violation[]> {
  const rows = await orderBook.query<Row>(
    "select customer_id, key, response from idempotency_keys order by customer_id, key",
  );
  const orders = await orderBook.query<{ id: string; customer_id: string; young: boolean }>(`
    select id, customer_id, create_time > now() - interval '24 hours' as young from orders order by id`);
  const orderOf = new Map(orders.map((order) => [order.id, order]));
  const keysOf = new Map<string, string[]>();
  const violations: Violation[] = [];
  const report = (subject: string, what: string) => void violations.push({ invariant: "I7", subject, what });

  for (const { customer_id: customerId, key, response } of rows) {
    const id = CreateOrderResponse.decode(response).order?.id ?? "";
    const order = orderOf.get(id);
    if (order === undefined) report(id, `answered under key "${key}" of ${customerId}, but there is no such order`);
    else if (order.customer_id !== customerId)
      report(id, `answered to ${customerId}, but it is ${order.customer_id}'s`);
    keysOf.set(id, [...(keysOf.get(id) ?? []), key]);
  }
  for (const { id, young } of orders) {
    const keys = keysOf.get(id) ?? [];
    if (keys.length > 1) report(id, `answered under ${keys.length} keys: ${keys.join(", ")}`);
    if (keys.length === 0 && young) report(id, "accepted without an idempotency key");
  }
  return violations;
}
