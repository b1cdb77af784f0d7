import type { Database } from "@holdfast/storage";
import type { PageQuery } from "../domain/product-filter.ts";
import type { Product } from "../domain/product.ts";
import type { Scope } from "../domain/scope.ts";
import type { Schema } from "./schema.ts";
import { PRODUCT_COLUMNS, toProduct } from "./to-product.ts";

/** The products that exist under these ids, in no order. One statement. */
export function findProducts(db: Database<Schema>) {
  return async (scope: Scope, ids: readonly string[]): Promise<Product[]> => {
    const rows = await db.transaction(scope, (tx) =>
      tx.selectFrom("product").select(PRODUCT_COLUMNS).where("id", "in", ids).execute(),
    );
    return rows.map(toProduct);
  };
}

/** The products after `after`, by id. One statement, nothing is held between two pages. */
export function readPage(db: Database<Schema>) {
  return async (scope: Scope, { after, limit, filter }: PageQuery): Promise<Product[]> => {
    const rows = await db.transaction(scope, (tx) => {
      let query = tx.selectFrom("product").select(PRODUCT_COLUMNS).where("id", ">", after).orderBy("id").limit(limit);
      if (filter.inStockOnly) query = query.where("in_stock", "=", true);
      if (filter.nameContains !== "") query = query.where("name", "ilike", `%${escapeLike(filter.nameContains)}%`);
      return query.execute();
    });
    return rows.map(toProduct);
  };
}

/** Text that LIKE takes as it stands. */
function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, "\\$&");
}
