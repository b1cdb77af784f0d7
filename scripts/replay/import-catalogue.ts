import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Connected } from "@holdfast/rpc";
import type { CatalogueProduct } from "./catalogue-of.ts";
import type { Persistence } from "./persistence.ts";

/** Rows a message: some 50 KB. */
const BATCH_ROWS = 250;

export interface ImportDeps {
  products: Connected<typeof ProductServiceDefinition>;
  persistence: Persistence;
  signal: AbortSignal;
}

export interface ImportedCatalogue {
  readonly created: number;
  readonly updated: number;
  /** sku → product id, of every imported product. */
  readonly ids: ReadonlyMap<string, string>;
}

/**
 * Brings the catalogue into the product service and asks for the ids. An interrupted import starts again from the first
 * row: it is an upsert.
 *
 * @throws {Error} If the service rejects a row: its order could not be placed.
 */
export async function importCatalogue(
  catalogue: readonly CatalogueProduct[],
  { products, persistence, signal }: ImportDeps,
): Promise<ImportedCatalogue> {
  const response = await persistence.insist(() => products.importProducts(batches(catalogue), { signal }));
  if (response.rejectedCount > 0n) {
    const rows = response.errors.map(({ sku, field, description }) => `  ${sku}: ${field} ${description}`);
    throw new Error(`Cannot import ${response.rejectedCount} products:\n${rows.join("\n")}`);
  }

  const wanted = new Set(catalogue.map(({ sku }) => sku));
  const ids = new Map<string, string>();
  let pageToken = "";
  await persistence.insist(async () => {
    for await (const page of products.listProducts({ streamAll: true, pageToken }, { signal })) {
      for (const { sku, id } of page.products) if (wanted.has(sku)) ids.set(sku, id);
      pageToken = page.nextPageToken; // an interrupted list goes on after the last page that arrived
    }
  });
  const missing = [...wanted].filter((sku) => !ids.has(sku));
  if (missing.length > 0) throw new Error(`Cannot find ${missing.length} imported products, such as "${missing[0]}"`);
  return { created: Number(response.createdCount), updated: Number(response.updatedCount), ids };
}

async function* batches(catalogue: readonly CatalogueProduct[]) {
  for (let start = 0; start < catalogue.length; start += BATCH_ROWS) {
    yield { rows: catalogue.slice(start, start + BATCH_ROWS) };
  }
}
