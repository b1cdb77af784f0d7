/** Which products to list. */
export interface ProductFilter {
  /** Only those whose name contains this, whatever the case. Empty: all. */
  readonly nameContains: string;
  /** Only those with units available. */
  readonly inStockOnly: boolean;
}

/** A part of a list, ordered by id. */
export interface PageQuery {
  /** The id that the part comes after. Empty: from the start. */
  readonly after: string;
  /** Products at most. */
  readonly limit: number;
  readonly filter: ProductFilter;
}
