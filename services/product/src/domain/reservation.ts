/** Where an order's units are. RESERVED moves to one of the others, and nothing else moves. */
export const ReservationState = {
  Reserved: "RESERVED",
  Committed: "COMMITTED",
  Released: "RELEASED",
} as const;
export type ReservationState = (typeof ReservationState)[keyof typeof ReservationState];

/** Units of one product. */
export interface StockItem {
  readonly productId: string;
  readonly quantity: number;
}

/** What is kept for an order. */
export interface Reservation {
  readonly orderId: string;
  readonly state: ReservationState;
  /** One entry a product, ordered by product id. Empty when nothing was ever reserved. */
  readonly items: readonly StockItem[];
}

/** Why units cannot be taken. */
export type Shortage =
  | { readonly kind: "product_not_found"; readonly productId: string }
  | {
      readonly kind: "out_of_stock";
      readonly productId: string;
      readonly available: number;
      readonly requested: number;
    };

export type ReserveOutcome =
  | { readonly kind: "reserved"; readonly reservation: Reservation }
  | { readonly kind: "released" }
  | { readonly kind: "mismatch" }
  | Shortage;

export type CommitOutcome =
  | { readonly kind: "committed"; readonly reservation: Reservation }
  | { readonly kind: "released" }
  | { readonly kind: "not_found" };

export type ReleaseOutcome =
  | { readonly kind: "released"; readonly reservation: Reservation }
  | { readonly kind: "committed" };

/** One entry a product, ordered by product id; what stands twice is added up. */
export function mergeItems(items: readonly StockItem[]): StockItem[] {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of items) {
    quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  }
  return [...quantities]
    .map(([productId, quantity]) => ({ productId, quantity }))
    .sort((a, b) => (a.productId < b.productId ? -1 : 1));
}

/** The first item, in their order, that cannot be taken. `available` has the products that exist. */
export function findShortage(
  items: readonly StockItem[],
  available: ReadonlyMap<string, number>,
): Shortage | undefined {
  for (const { productId, quantity } of items) {
    const units = available.get(productId);
    if (units === undefined) return { kind: "product_not_found", productId };
    if (units < quantity) return { kind: "out_of_stock", productId, available: units, requested: quantity };
  }
  return undefined;
}

/** What a repeated ReserveStock is answered: `items` are the merged ones of the repeat. */
export function repeatReserve(kept: Reservation, items: readonly StockItem[]): ReserveOutcome {
  if (kept.state === ReservationState.Released) return { kind: "released" };
  const same =
    kept.items.length === items.length &&
    kept.items.every(
      (item, index) => item.productId === items[index]?.productId && item.quantity === items[index]?.quantity,
    );
  return same ? { kind: "reserved", reservation: kept } : { kind: "mismatch" };
}
