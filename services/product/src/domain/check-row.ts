import { CURRENCIES } from "./currencies.ts";
import type { Money, ProductDraft } from "./product.ts";

/** A product as an import sends it: the price may be missing. */
export interface ImportedRow {
  readonly sku: string;
  readonly name: string;
  readonly price: Money | undefined;
  readonly stock: number;
  readonly description: string;
}

/** The first rule that a row breaks. */
export interface RowFault {
  readonly kind: "fault";
  /** Path in the contract's own names. */
  readonly field: string;
  /** What the rule wants, for people. */
  readonly description: string;
}

export type CheckedRow = { readonly kind: "ok"; readonly draft: ProductDraft } | RowFault;

const SKU = /^[A-Za-z0-9][A-Za-z0-9._@:/-]{0,63}$/;
/** Everything but U+0000 to U+001F and U+007F. */
const NO_CONTROL_CHARACTERS = /^[ -~\u0080-\u{10FFFF}]*$/u;
const LARGEST_PRICE = 10_000_000_000n;
const LARGEST_STOCK = 1_000_000_000;

/**
 * Checks a row by the rules that the contract gives to ProductRow. Written by hand because the rules' own evaluation
 * costs more than everything else that an import does with a row; a test holds the two together.
 */
export function checkRow({ sku, name, price, stock, description }: ImportedRow): CheckedRow {
  if (!SKU.test(sku)) {
    return fault("sku", "must be 1 to 64 letters, digits or ._@:/-, the first one a letter or digit");
  }
  if (name === "" || isLonger(name, 200)) return fault("name", "must be 1 to 200 characters");
  if (!NO_CONTROL_CHARACTERS.test(name)) return fault("name", "must have no control characters");
  if (price === undefined) return fault("price", "must be set");
  if (!CURRENCIES.has(price.currencyCode)) {
    return fault("price.currency_code", "must be an active ISO 4217 code, such as GBP");
  }
  if (price.minorUnits < 1n || price.minorUnits > LARGEST_PRICE) {
    return fault("price.minor_units", "must be 1 to 10000000000 minor units");
  }
  if (stock < 0 || stock > LARGEST_STOCK) return fault("stock", "must be 0 to 1000000000");
  if (isLonger(description, 2_000)) return fault("description", "must be up to 2000 characters");
  if (!NO_CONTROL_CHARACTERS.test(description)) return fault("description", "must have no control characters");
  return { kind: "ok", draft: { sku, name, price, stock, description } };
}

function fault(field: string, description: string): RowFault {
  return { kind: "fault", field, description };
}

/** Whether the text has more characters (Unicode code points) than this. */
function isLonger(text: string, characters: number): boolean {
  if (text.length <= characters) return false;
  return text.length > 2 * characters || Array.from(text).length > characters;
}
