import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findShortage, mergeItems, repeatReserve, type Reservation } from "./reservation.ts";

const anItem = fc.record({
  productId: fc.constantFrom("prod_a", "prod_b", "prod_c", "prod_d"),
  quantity: fc.integer({ min: 1, max: 1_000_000 }),
});

describe("mergeItems()", () => {
  test("keeps the units of every product, names each once, and orders by id", () => {
    fc.assert(
      fc.property(fc.array(anItem, { minLength: 1 }), (items) => {
        const merged = mergeItems(items);
        const ids = merged.map(({ productId }) => productId);
        expect(ids).toEqual([...new Set(items.map(({ productId }) => productId))].sort());
        for (const { productId, quantity } of merged) {
          const asked = items.filter((item) => item.productId === productId);
          expect(quantity).toBe(asked.reduce((sum, item) => sum + item.quantity, 0));
        }
      }),
    );
  });

  test("gives the same for the same items in any order", () => {
    fc.assert(
      fc.property(fc.array(anItem), (items) => {
        expect(mergeItems([...items].reverse())).toEqual(mergeItems(items));
      }),
    );
  });
});

describe("findShortage()", () => {
  const items = [
    { productId: "prod_a", quantity: 2 },
    { productId: "prod_b", quantity: 3 },
  ];

  test.each([
    [2, 3, undefined],
    [1, 3, { kind: "out_of_stock", productId: "prod_a", available: 1, requested: 2 }],
    [2, 0, { kind: "out_of_stock", productId: "prod_b", available: 0, requested: 3 }],
    [undefined, 0, { kind: "product_not_found", productId: "prod_a" }],
    [9, undefined, { kind: "product_not_found", productId: "prod_b" }],
  ])("with %s of a and %s of b finds %o", (a, b, shortage) => {
    const available = new Map<string, number>();
    if (a !== undefined) available.set("prod_a", a);
    if (b !== undefined) available.set("prod_b", b);
    expect(findShortage(items, available)).toEqual(shortage);
  });
});

describe("repeatReserve()", () => {
  const items = [{ productId: "prod_a", quantity: 2 }];
  const kept = (state: Reservation["state"]): Reservation => ({ orderId: "ord_1", state, items });

  test.each([
    ["RESERVED", items, "reserved"],
    ["COMMITTED", items, "reserved"],
    ["RELEASED", items, "released"],
    ["RESERVED", [{ productId: "prod_a", quantity: 1 }], "mismatch"],
    ["RESERVED", [{ productId: "prod_b", quantity: 2 }], "mismatch"],
    ["COMMITTED", [...items, { productId: "prod_b", quantity: 1 }], "mismatch"],
    ["RELEASED", [{ productId: "prod_b", quantity: 1 }], "released"],
  ] as const)("a %s reservation, asked for %o again, is %s", (state, asked, kind) => {
    expect(repeatReserve(kept(state), asked).kind).toBe(kind);
  });
});
