import { basename } from "node:path";
import { catalogueOf } from "../replay/catalogue-of.ts";
import { importCatalogue } from "../replay/import-catalogue.ts";
import type { Persistence } from "../replay/persistence.ts";
import { readRows } from "../replay/read-rows.ts";

export interface ImportDaysDeps {
  products: Parameters<typeof importCatalogue>[1]["products"];
  /** SKUs to leave as they are. @default none: each gets the price and the stock of the days */
  leave?: ReadonlySet<string>;
  persistence: Persistence;
  onProgress: (message: string) => void;
  signal: AbortSignal;
}

/** Fills the catalogue with the products of trading days. */
export async function importDays(files: readonly string[], options: ImportDaysDeps) {
  const { products, leave, persistence, onProgress, signal } = options;
  onProgress(`reading the products of ${files.map((file) => basename(file)).join(" and ")}`);
  const catalogue = (await catalogueOf(rowsOf(files))).filter(({ sku }) => leave?.has(sku) !== true);
  const { ids } = await importCatalogue(catalogue, { products, persistence, signal });
  onProgress(`imported ${ids.size} products`);
  return { catalogue, ids };
}

async function* rowsOf(files: readonly string[]) {
  for (const file of files) yield* readRows(file);
}
