import type { Selectable } from "@holdfast/storage";
import type { Product } from "../domain/product.ts";
import type { Schema } from "./schema.ts";

/** The columns that make a {@link Product}. */
export const PRODUCT_COLUMNS = [
  "id",
  "sku",
  "name",
  "description",
  "currency_code",
  "price_minor_units",
  "stock",
  "create_time",
  "update_time",
] as const;

type ProductColumns = Pick<Selectable<Schema["product"]>, (typeof PRODUCT_COLUMNS)[number]>;

export function toProduct(row: ProductColumns): Product {
  return {
    id: row.id,
    sku: row.sku,
    name: row.name,
    description: row.description,
    price: { currencyCode: row.currency_code, minorUnits: row.price_minor_units },
    stock: Number(row.stock),
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}
