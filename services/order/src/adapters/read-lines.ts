import type { Transaction } from "@holdfast/storage";
import type { Order, OrderLine } from "../domain/order.ts";
import type { Schema } from "./schema.ts";
import { toLine } from "./to-order.ts";

/** The lines of each order, in the order of the request. One statement, however many orders. */
export async function readLines(
  tx: Transaction<Schema>,
  orderIds: readonly string[],
): Promise<ReadonlyMap<string, Order["lines"]>> {
  const lines = new Map<string, OrderLine[]>(orderIds.map((id) => [id, []]));
  const rows = await tx
    .selectFrom("order_lines")
    .selectAll()
    .where("order_id", "in", [...orderIds])
    .orderBy("order_id")
    .orderBy("line_number")
    .execute();
  for (const row of rows) lines.get(row.order_id)?.push(toLine(row));
  return lines;
}
