import { type Database, sql, type Transaction } from "@holdfast/storage";
import { v7 as uuidv7 } from "uuid";
import type { ProductDraft } from "../domain/product.ts";
import type { Scope } from "../domain/scope.ts";
import { notifyStock } from "./notify-stock.ts";
import type { Schema } from "./schema.ts";

interface Upserted {
  id: string;
  created: boolean;
}

/**
 * Makes or updates products by sku, all drafts in one transaction and one statement. A draft's stock is what is
 * available afterwards; what orders have reserved stays reserved.
 *
 * Products that exist are locked by id first, in the order that orders lock them too; new ones go in by sku, so that
 * two imports of the same rows wait for each other. What is left of deadlocks, the database ends and storage repeats.
 */
export function storeDrafts(db: Database<Schema>) {
  return async (scope: Scope, drafts: readonly ProductDraft[]): Promise<{ created: number }> => {
    const latest = [...new Map(drafts.map((draft) => [draft.sku, draft])).values()];
    return db.transaction(scope, async (tx) => {
      await lockBySku(tx, latest);
      const rows = await upsert(tx, latest);
      const changed = rows.filter(({ created }) => !created).map(({ id }) => id);
      await notifyStock(tx, changed);
      return { created: rows.length - changed.length };
    });
  };
}

async function lockBySku(tx: Transaction<Schema>, drafts: readonly ProductDraft[]): Promise<void> {
  const skus = drafts.map(({ sku }) => sku);
  await sql`
    select from product where sku = any(${skus}::text[]) order by id for no key update`.execute(tx);
}

async function upsert(tx: Transaction<Schema>, drafts: readonly ProductDraft[]): Promise<Upserted[]> {
  const { rows } = await sql<Upserted>`
    insert into product (id, sku, name, description, currency_code, price_minor_units, stock, received)
    select id, sku, name, description, currency_code, price_minor_units, stock, stock
    from unnest(
      ${drafts.map(() => `prod_${uuidv7().replaceAll("-", "")}`)}::text[],
      ${drafts.map(({ sku }) => sku)}::text[],
      ${drafts.map(({ name }) => name)}::text[],
      ${drafts.map(({ description }) => description)}::text[],
      ${drafts.map(({ price }) => price.currencyCode)}::text[],
      ${drafts.map(({ price }) => price.minorUnits)}::bigint[],
      ${drafts.map(({ stock }) => stock)}::bigint[]
    ) as draft (id, sku, name, description, currency_code, price_minor_units, stock)
    order by sku collate "C"
    on conflict (sku) do update set
      name = excluded.name,
      description = excluded.description,
      currency_code = excluded.currency_code,
      price_minor_units = excluded.price_minor_units,
      stock = excluded.stock,
      received = excluded.stock + product.reserved + product.sold,
      stock_version = product.stock_version + (product.stock <> excluded.stock)::int,
      update_time = excluded.update_time
    -- Only a row that was there before has been locked by its updater.
    returning id, xmax = 0 as created`.execute(tx);
  return rows;
}
