import type { Database } from "@holdfast/storage";
import type { StockLevel } from "../domain/product.ts";
import type { Scope } from "../domain/scope.ts";
import type { Schema } from "./schema.ts";

/** The stock of the products that exist under these ids, in no order. One statement. */
export function readStockLevels(db: Database<Schema>) {
  return async (scope: Scope, ids: readonly string[]): Promise<StockLevel[]> => {
    const rows = await db.transaction(scope, (tx) =>
      tx.selectFrom("product").select(["id", "stock", "stock_version"]).where("id", "in", ids).execute(),
    );
    return rows.map(({ id, stock, stock_version: version }) => ({ productId: id, stock: Number(stock), version }));
  };
}
