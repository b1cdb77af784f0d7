import { type Money, sameMoney } from "./money.ts";
import type { NewOrder, OrderLine } from "./order.ts";

/** The largest total that an order may have, in minor units. */
export const LARGEST_TOTAL = 10_000_000_000_000n;

/** What a customer asks for. */
export interface PlaceOrder {
  readonly orderId: string;
  readonly customerId: string;
  readonly items: readonly { readonly productId: string; readonly quantity: number }[];
  /** What the customer was shown; `undefined` accepts any price. */
  readonly expectedTotal: Money | undefined;
  readonly paymentMethod: string;
}

/** What the catalogue knows of a product. */
export interface PricedProduct {
  readonly name: string;
  readonly price: Money;
}

export type PlaceOutcome =
  | { readonly kind: "placed"; readonly order: NewOrder }
  | { readonly kind: "product_not_found"; readonly productId: string }
  | { readonly kind: "currency_mismatch"; readonly productId: string; readonly currencyCode: string }
  | { readonly kind: "total_too_large"; readonly total: Money }
  | { readonly kind: "price_changed"; readonly total: Money };

/** Prices an order from the products that the catalogue has. The first item decides the currency. */
export function placeOrder(command: PlaceOrder, products: ReadonlyMap<string, PricedProduct>): PlaceOutcome {
  const lines: OrderLine[] = [];
  let total: Money | undefined;
  for (const { productId, quantity } of command.items) {
    const product = products.get(productId);
    if (product === undefined) return { kind: "product_not_found", productId };
    const { name, price } = product;
    total ??= { currencyCode: price.currencyCode, minorUnits: 0n };
    if (price.currencyCode !== total.currencyCode) {
      return { kind: "currency_mismatch", productId, currencyCode: price.currencyCode };
    }
    total = { ...total, minorUnits: total.minorUnits + price.minorUnits * BigInt(quantity) };
    lines.push({ productId, name, quantity, unitPrice: price.minorUnits });
  }
  if (total === undefined) throw new RangeError("Cannot place an order without items");
  if (total.minorUnits > LARGEST_TOTAL) return { kind: "total_too_large", total };

  const { orderId: id, customerId, expectedTotal, paymentMethod } = command;
  if (expectedTotal !== undefined && !sameMoney(expectedTotal, total)) return { kind: "price_changed", total };
  return { kind: "placed", order: { id, customerId, lines, total, paymentMethod } };
}
