import type { ImportProductsRequest, ProductRow } from "@holdfast/contracts/ecommerce/product/v1/product_service";

const COLOURS = ["WHITE", "RED", "IVORY", "PINK", "BLUE", "BLACK", "CREAM", "GREEN"] as const;
const THINGS = ["HANGING HEART", "LUNCH BOX", "CAKE STAND", "ALARM CLOCK", "TEA TOWEL", "DOORMAT", "BUNTING"] as const;

export interface GeneratedRowsOptions {
  /** Rows in all. */
  count: number;
  /** Rows a message, up to 1,000. @default 1_000 */
  messageRows?: number;
  /** Number of the first row: two streams that overlap in numbers overlap in skus. @default 1 */
  from?: number;
  /** Every so many rows one breaks a rule: its price is 0. @default none */
  badEvery?: number;
}

/** An import of any length, the same one at every call, made message by message as it is read. */
export async function* generatedRows(options: GeneratedRowsOptions): AsyncGenerator<ImportProductsRequest> {
  const { count, messageRows = 1_000, from = 1, badEvery = Infinity } = options;
  for (let start = 0; start < count; start += messageRows) {
    const length = Math.min(messageRows, count - start);
    const rows = Array.from({ length }, (_, index) => generatedRow(from + start + index));
    for (const [index, row] of rows.entries()) {
      if ((start + index + 1) % badEvery === 0 && row.price !== undefined) row.price.minorUnits = 0n;
    }
    yield { rows };
  }
}

/** One good row; its sku follows from its number. */
export function generatedRow(number: number): ProductRow {
  const colour = COLOURS[number % COLOURS.length] ?? "";
  const thing = THINGS[number % THINGS.length] ?? "";
  return {
    sku: `GEN-${String(number).padStart(9, "0")}`,
    name: `${colour} ${thing} ${number}`,
    price: { currencyCode: "GBP", minorUnits: BigInt((number % 9_999) + 1) },
    stock: number % 1_000,
    description: `Generated product ${number}, ${colour.toLowerCase()}`,
  };
}
