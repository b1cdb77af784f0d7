import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LARGEST_TOTAL, type PlaceOrder, type PricedProduct, placeOrder } from "./place-order.ts";

const gbp = (minorUnits: bigint) => ({ currencyCode: "GBP", minorUnits });
const products = new Map<string, PricedProduct>([
  ["prod_a", { name: "Lantern", price: gbp(295n) }],
  ["prod_b", { name: "Bunting", price: gbp(1_000n) }],
  ["prod_euro", { name: "Cake tin", price: { currencyCode: "EUR", minorUnits: 5n } }],
  ["prod_dear", { name: "Yacht", price: gbp(10_000_000_000n) }],
]);

function aPlaceOrder(change: Partial<PlaceOrder> = {}): PlaceOrder {
  return {
    orderId: "ord_1",
    customerId: "17850",
    items: [{ productId: "prod_a", quantity: 2 }],
    expectedTotal: undefined,
    paymentMethod: "pm_card_ok",
    ...change,
  };
}

describe("placeOrder()", () => {
  test("prices each line, as sent and in the order sent, one product twice", () => {
    const items = [
      { productId: "prod_b", quantity: 1 },
      { productId: "prod_a", quantity: 2 },
      { productId: "prod_b", quantity: 3 },
    ];
    const outcome = placeOrder(aPlaceOrder({ items, expectedTotal: gbp(4_590n) }), products);
    expect(outcome).toEqual({
      kind: "placed",
      order: {
        id: "ord_1",
        customerId: "17850",
        paymentMethod: "pm_card_ok",
        total: gbp(4_590n),
        lines: [
          { productId: "prod_b", name: "Bunting", quantity: 1, unitPrice: 1_000n },
          { productId: "prod_a", name: "Lantern", quantity: 2, unitPrice: 295n },
          { productId: "prod_b", name: "Bunting", quantity: 3, unitPrice: 1_000n },
        ],
      },
    });
  });

  test.each<[name: string, change: Partial<PlaceOrder>, outcome: object]>([
    [
      "a product that is not there",
      { items: [{ productId: "prod_x", quantity: 1 }] },
      { kind: "product_not_found", productId: "prod_x" },
    ],
    [
      "two currencies",
      {
        items: [
          { productId: "prod_a", quantity: 1 },
          { productId: "prod_euro", quantity: 1 },
        ],
      },
      { kind: "currency_mismatch", productId: "prod_euro", currencyCode: "EUR" },
    ],
    [
      "a total above 10^13",
      { items: [{ productId: "prod_dear", quantity: 1_001 }] },
      { kind: "total_too_large", total: gbp(10_010_000_000_000n) },
    ],
    ["another price than expected", { expectedTotal: gbp(589n) }, { kind: "price_changed", total: gbp(590n) }],
    [
      "another currency than expected",
      { expectedTotal: { currencyCode: "USD", minorUnits: 590n } },
      { kind: "price_changed", total: gbp(590n) },
    ],
  ])("refuses %s", (_name, change, outcome) => {
    expect(placeOrder(aPlaceOrder(change), products)).toEqual(outcome);
  });

  test("takes a total of exactly 10^13", () => {
    const items = [{ productId: "prod_dear", quantity: 1_000 }];
    expect(placeOrder(aPlaceOrder({ items }), products)).toMatchObject({ order: { total: gbp(LARGEST_TOTAL) } });
  });

  test("adds up without rounding, whatever is ordered", () => {
    const line = fc.record({
      productId: fc.constantFrom("prod_a", "prod_b"),
      quantity: fc.integer({ min: 1, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 50 }), (items) => {
        const outcome = placeOrder(aPlaceOrder({ items }), products);
        if (outcome.kind !== "placed") throw new Error(outcome.kind);
        const sum = outcome.order.lines.reduce((so, it) => so + it.unitPrice * BigInt(it.quantity), 0n);
        expect(outcome.order.total).toEqual(gbp(sum));
        expect(outcome.order.lines.map(({ productId, quantity }) => ({ productId, quantity }))).toEqual(items);
      }),
    );
  });
});
