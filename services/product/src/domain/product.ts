/** An amount in whole minor units of one currency. */
export interface Money {
  readonly currencyCode: string;
  readonly minorUnits: bigint;
}

/** What a seller says about a product. */
export interface ProductDraft {
  /** The seller's own name of it, unique. */
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  /** Of one unit. */
  readonly price: Money;
  /** Units available. */
  readonly stock: number;
}

/** Something that can be ordered. */
export interface Product extends ProductDraft {
  readonly id: string;
  readonly createTime: Date;
  /** When an import or an edit last set it; orders do not count. */
  readonly updateTime: Date;
}

/** How much there is of a product. */
export interface StockLevel {
  readonly productId: string;
  /** Units available. */
  readonly stock: number;
  /** Grows with every change of the stock. */
  readonly version: bigint;
}
