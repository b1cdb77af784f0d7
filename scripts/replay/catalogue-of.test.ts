import { describe, expect, test } from "vitest";
import { catalogueOf } from "./catalogue-of.ts";
import { aRow } from "./file-row.fixture.ts";

describe("catalogueOf()", () => {
  test("makes one product of each code and price, with the units that sales and returns move", async () => {
    const products = await catalogueOf([
      aRow({ Quantity: "6" }),
      aRow({ Quantity: "4", StockCode: "85123a" }),
      aRow({ Quantity: "-3", InvoiceNo: "C536380" }),
      aRow({ Quantity: "2", UnitPrice: "2.95" }),
    ]);
    expect(products.map(({ sku, stock, price }) => [sku, stock, price.minorUnits])).toEqual([
      ["85123A@2.55", 13, 255n],
      ["85123A@2.95", 2, 295n],
    ]);
  });

  test("names a code as it is most often described, whatever the price", async () => {
    const products = await catalogueOf([
      aRow({ Description: "CREAM HEART HOLDER" }),
      aRow({ Description: "WHITE  HEART HOLDER" }),
      aRow({ Description: "WHITE HEART HOLDER", UnitPrice: "2.95" }),
    ]);
    expect(products.map(({ name }) => name)).toEqual(["WHITE HEART HOLDER", "WHITE HEART HOLDER"]);
  });

  test.each(["", "?", "damaged", "thrown away", "20713", "wrongly marked"])(
    "names a code that is only described as %j by the code",
    async (description) => {
      expect(await catalogueOf([aRow({ Description: description })])).toMatchObject([{ name: "85123A" }]);
    },
  );

  test("cuts a name to what the contract takes, without control characters", async () => {
    const [product] = await catalogueOf([aRow({ Description: `A\tB\u0000${"X".repeat(300)}` })]);
    expect(product?.name).toHaveLength(200);
    expect(product?.name).toMatch(/^A B X+$/);
  });

  test("leaves out rows that cannot be part of an order", async () => {
    expect(await catalogueOf([aRow({ StockCode: "POST" }), aRow({ UnitPrice: "0" })])).toEqual([]);
  });
});
