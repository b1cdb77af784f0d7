import type { CreateProductRequest } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { type Database, sql } from "@holdfast/storage";
import { v7 as uuidv7 } from "uuid";
import type { Schema } from "../adapters/schema.ts";
import type { ProductDraft } from "../domain/product.ts";
import type { Scope } from "../domain/scope.ts";

/** Plenty of time, and nobody who goes away. */
export function aScope(ms = 20_000): Scope {
  return { deadline: Date.now() + ms, signal: new AbortController().signal };
}

export function aDraft(fields: Partial<ProductDraft> = {}): ProductDraft {
  return {
    sku: `SKU-${uuidv7()}`,
    name: "White hanging heart T-light holder",
    description: "",
    price: { currencyCode: "GBP", minorUnits: 255n },
    stock: 10,
    ...fields,
  };
}

export function aCreateRequest(fields: Partial<CreateProductRequest> = {}): CreateProductRequest {
  const { price, ...draft } = aDraft();
  return { ...draft, price: { ...price }, idempotencyKey: uuidv7(), ...fields };
}

export function anOrderId(): string {
  return `ord_${uuidv7().replaceAll("-", "")}`;
}

/** Puts a product into the table. @returns Its id. */
export async function insertProduct(db: Database<Schema>, fields: Partial<ProductDraft> & { id?: string } = {}) {
  const { sku, name, description, price, stock } = aDraft(fields);
  const id = fields.id ?? `prod_${uuidv7().replaceAll("-", "")}`;
  await db.transaction(aScope(), (tx) =>
    tx
      .insertInto("product")
      .values({
        id,
        sku,
        name,
        description,
        currency_code: price.currencyCode,
        price_minor_units: price.minorUnits,
        received: BigInt(stock),
        stock: BigInt(stock),
      })
      .execute(),
  );
  return id;
}

/** Puts `count` products with ids prod_000000001 and so on into the table. */
export async function insertProducts(db: Database<Schema>, count: number, stock = 10): Promise<string[]> {
  await db.transaction(aScope(60_000), (tx) =>
    sql`
      insert into product (id, sku, name, description, currency_code, price_minor_units, received, stock)
      select 'prod_' || lpad(n::text, 9, '0'), 'SKU-' || n, 'Product ' || n, '', 'GBP', n, ${stock}::int, ${stock}::int
      from generate_series(1, ${count}::int) as n`.execute(tx),
  );
  return Array.from({ length: count }, (_, index) => `prod_${String(index + 1).padStart(9, "0")}`);
}

/** Where the units of a product are. */
export async function unitsOf(db: Database<Schema>, id: string) {
  const row = await db.transaction(aScope(), (tx) =>
    tx
      .selectFrom("product")
      .select(["received", "stock", "reserved", "sold", "stock_version as version"])
      .where("id", "=", id)
      .executeTakeFirstOrThrow(),
  );
  return row;
}
