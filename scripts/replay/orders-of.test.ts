import { describe, expect, test } from "vitest";
import { aRow } from "./file-row.fixture.ts";
import { ordersOf } from "./orders-of.ts";
import type { FileRow } from "./read-rows.ts";
import { saleLineOf } from "./sale-line-of.ts";

function ordersOfRows(rows: readonly Partial<FileRow>[]) {
  return ordersOf(
    rows.map((row) => {
      const outcome = saleLineOf(aRow(row));
      if (outcome.kind === "left out") throw new Error(outcome.row.why);
      return outcome.line;
    }),
  );
}

describe("ordersOf()", () => {
  test("makes one order of an invoice, with its total", () => {
    expect(ordersOfRows([{ Quantity: "6" }, { Quantity: "2", StockCode: "71053", UnitPrice: "3.39" }])).toEqual([
      {
        name: "536365",
        invoiceNo: "536365",
        isReturn: false,
        time: Date.UTC(2010, 11, 1, 8, 26),
        customerId: "17850",
        items: [
          { sku: "85123A@2.55", quantity: 6 },
          { sku: "71053@3.39", quantity: 2 },
        ],
        totalPence: 2208n,
      },
    ]);
  });

  test("keeps a product that stands twice on an invoice twice", () => {
    expect(ordersOfRows([{}, {}])[0]?.items).toHaveLength(2);
  });

  test("makes a return an order of what comes back", () => {
    const [order] = ordersOfRows([{ InvoiceNo: "C536379", Quantity: "-4" }]);
    expect(order).toMatchObject({ isReturn: true, items: [{ quantity: 4 }], totalPence: 1020n });
  });

  test("orders for a guest where the invoice names no customer", () => {
    expect(ordersOfRows([{ CustomerID: "" }])[0]?.customerId).toBe("guest-536365");
  });

  test("takes the customer from whichever row names one", () => {
    expect(ordersOfRows([{ CustomerID: "" }, {}])[0]?.customerId).toBe("17850");
  });

  test("splits an invoice that has more lines than an order may have", () => {
    const orders = ordersOfRows(Array.from({ length: 1_114 }, () => ({ Quantity: "1" })));
    expect(orders.map(({ name, items, totalPence }) => [name, items.length, totalPence])).toEqual([
      ["536365/1", 1_000, 255_000n],
      ["536365/2", 114, 29_070n],
    ]);
  });

  test("does not split an invoice that just fits", () => {
    expect(ordersOfRows(Array.from({ length: 1_000 }, () => ({})))).toMatchObject([{ name: "536365" }]);
  });

  test("sorts by time, invoices of one minute as they stand in the file", () => {
    const orders = ordersOfRows([
      { InvoiceNo: "3", InvoiceDate: "2010-12-01 09:00:00" },
      { InvoiceNo: "1", InvoiceDate: "2010-12-01 08:00:00" },
      { InvoiceNo: "2", InvoiceDate: "2010-12-01 08:00:00" },
    ]);
    expect(orders.map(({ name }) => name)).toEqual(["1", "2", "3"]);
  });
});
