import { sql, type Transaction } from "@holdfast/storage";
import type { Schema } from "./schema.ts";

/** Where changes of stock are told. The payload is a product's id, or `*` when many changed. */
export const STOCK_CHANNEL = "stock_changed";

/** With more changes than this one `*` is cheaper for everybody. */
const MOST_SINGLE = 20;

/** Tells whoever watches, when the transaction commits. */
export async function notifyStock(tx: Transaction<Schema>, productIds: readonly string[]): Promise<void> {
  if (productIds.length === 0) return;
  const payloads = productIds.length > MOST_SINGLE ? ["*"] : productIds;
  await sql`select pg_notify(${STOCK_CHANNEL}, payload) from unnest(${payloads}::text[]) as payload`.execute(tx);
}
