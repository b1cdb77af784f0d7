import { formatPence } from "./parse-price.ts";
import type { FileRow } from "./read-rows.ts";
import { saleLineOf } from "./sale-line-of.ts";

/** A product to import; fits the contract's ProductRow. */
export interface CatalogueProduct {
  sku: string;
  name: string;
  price: { currencyCode: string; minorUnits: bigint };
  stock: number;
  description: string;
}

/** Longest name of the contract. Unit: characters. */
const NAME_LIMIT = 200;

/**
 * The catalogue that a file's orders need: one product for each stock code and price, named as the code is most often
 * described, with as many units as all of the file's sales and returns move.
 */
export async function catalogueOf(rows: Iterable<FileRow> | AsyncIterable<FileRow>): Promise<CatalogueProduct[]> {
  const units = new Map<string, { stockCode: string; pence: bigint; stock: number }>();
  const names = new Map<string, Map<string, number>>();
  for await (const row of rows) {
    const outcome = saleLineOf(row);
    if (outcome.kind === "left out") continue;
    const { sku, stockCode, unitPricePence, quantity, description } = outcome.line;
    const stock = (units.get(sku)?.stock ?? 0) + quantity;
    units.set(sku, { stockCode, pence: unitPricePence, stock });
    count(names, stockCode, usableName(description));
  }
  return [...units].map(([sku, { stockCode, pence, stock }]) => ({
    sku,
    name: mostFrequent(names.get(stockCode)) ?? stockCode,
    price: { currencyCode: "GBP", minorUnits: pence },
    stock,
    description: `${stockCode} at £${formatPence(pence)}`,
  }));
}

function count(names: Map<string, Map<string, number>>, stockCode: string, name: string | undefined): void {
  if (name === undefined) return;
  const counts = names.get(stockCode) ?? new Map<string, number>();
  names.set(stockCode, counts.set(name, (counts.get(name) ?? 0) + 1));
}

/** Names are written in capitals; "?", "damaged" and "thrown away" are notes of the warehouse. */
function usableName(description: string): string | undefined {
  const name = description.replaceAll(/[\p{Cc}\s]+/gu, " ").trim();
  return /\p{Lu}/u.test(name) ? Array.from(name).slice(0, NAME_LIMIT).join("") : undefined;
}

/** Of two equally frequent names the first one of the file. */
function mostFrequent(counts: ReadonlyMap<string, number> = new Map()): string | undefined {
  let best: string | undefined;
  for (const [name, n] of counts) {
    if (best === undefined || n > (counts.get(best) ?? 0)) best = name;
  }
  return best;
}
