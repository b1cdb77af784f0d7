import type { Selectable } from "@holdfast/storage";
import type { Order, OrderLine } from "../domain/order.ts";
import type { Schema } from "./schema.ts";

/** A stored order with its lines. */
export function toOrder(row: Selectable<Schema["orders"]>, lines: readonly OrderLine[]): Order {
  return {
    id: row.id,
    customerId: row.customer_id,
    state: row.state,
    cancelReason: row.cancel_reason ?? undefined,
    lines,
    total: { currencyCode: row.currency_code, minorUnits: row.total_minor_units },
    transactionId: row.transaction_id ?? undefined,
    version: row.version,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}

/** A stored line. */
export function toLine(row: Selectable<Schema["order_lines"]>): OrderLine {
  return {
    productId: row.product_id,
    name: row.name,
    quantity: row.quantity,
    unitPrice: row.unit_price_minor_units,
  };
}
