import { describe, expect, test } from "vitest";
import { aRow } from "./file-row.fixture.ts";
import type { FileRow } from "./read-rows.ts";
import { saleLineOf } from "./sale-line-of.ts";

describe("saleLineOf()", () => {
  const lines: [string, Partial<FileRow>, object][] = [
    ["a sale", {}, { invoiceNo: "536365", isReturn: false, sku: "85123A@2.55", quantity: 6, unitPricePence: 255n }],
    ["a return", { InvoiceNo: "C536379", Quantity: "-1" }, { invoiceNo: "C536379", isReturn: true, quantity: 1 }],
    ["a return in lower case", { InvoiceNo: "c536379", Quantity: "-1" }, { invoiceNo: "C536379", isReturn: true }],
    ["a code in lower case", { StockCode: "15056bl" }, { stockCode: "15056BL", sku: "15056BL@2.55" }],
    ["a gift voucher", { StockCode: "gift_0001_20" }, { sku: "GIFT_0001_20@2.55" }],
    ["a party bag", { StockCode: "DCGSSBOY" }, { sku: "DCGSSBOY@2.55" }],
    ["an easel", { StockCode: "SP1002" }, { sku: "SP1002@2.55" }],
    ["cushion pads", { StockCode: "PADS", UnitPrice: "0.01" }, { sku: "PADS@0.01" }],
    ["a price with one decimal", { UnitPrice: "2.1" }, { sku: "85123A@2.10", unitPricePence: 210n }],
    ["a price without decimals", { UnitPrice: "3" }, { sku: "85123A@3.00", unitPricePence: 300n }],
    ["a price with trailing zeros", { UnitPrice: "2.5500" }, { sku: "85123A@2.55" }],
    ["the largest quantity of the data set", { Quantity: "80995" }, { quantity: 80_995 }],
    ["a customer id as a decimal number", { CustomerID: "17850.0" }, { customerId: "17850" }],
    ["a customer id as it is", { CustomerID: "17850" }, { customerId: "17850" }],
    ["no customer id", { CustomerID: "" }, { customerId: "" }],
    ["no description", { Description: "" }, { description: "" }],
    ["the time as first published", { InvoiceDate: "12/1/2010 8:26" }, { time: Date.UTC(2010, 11, 1, 8, 26) }],
    ["the time as shipped", { InvoiceDate: "2010-12-01 08:26:00" }, { time: Date.UTC(2010, 11, 1, 8, 26) }],
  ];
  test.each(lines)("takes %s", (_, row, expected) => {
    expect(saleLineOf(aRow(row))).toMatchObject({ kind: "line", line: expected });
  });

  const leftOut: [string, Partial<FileRow>, string][] = [
    ["a row that is cut off", { broken: true }, "the row has another number of values than the header"],
    ["bad debt", { InvoiceNo: "A563185", StockCode: "B", UnitPrice: "-11062.06" }, "a bad-debt adjustment, not a sale"],
    ["no invoice number", { InvoiceNo: "" }, "the invoice number is none"],
    ["another invoice number", { InvoiceNo: "X12" }, "the invoice number is none"],
    ["POST", { StockCode: "POST" }, "no product: postage"],
    ["DOT", { StockCode: "DOT" }, "no product: postage of web orders"],
    ["C2", { StockCode: "C2" }, "no product: carriage"],
    ["D", { StockCode: "D", InvoiceNo: "C536379", Quantity: "-1" }, "no product: a discount"],
    ["M", { StockCode: "M" }, "no product: a manual entry"],
    ["m", { StockCode: "m" }, "no product: a manual entry"],
    ["S", { StockCode: "S" }, "no product: samples"],
    ["B", { StockCode: "B" }, "no product: a bad-debt adjustment"],
    ["CRUK", { StockCode: "CRUK", InvoiceNo: "C580000", Quantity: "-1" }, "no product: a donation"],
    ["BANK CHARGES", { StockCode: "BANK CHARGES" }, "no product: a fee"],
    ["AMAZONFEE", { StockCode: "AMAZONFEE" }, "no product: a fee"],
    ["TEST001", { StockCode: "TEST001" }, "no product: a test entry"],
    ["no stock code", { StockCode: "" }, "the stock code is none"],
    ["a stock code with a space", { StockCode: "85123 A" }, "the stock code is none"],
    ["a stock correction", { Quantity: "-10", UnitPrice: "0.0", Description: "?" }, "a stock correction, not a sale"],
    ["goods thrown away", { Quantity: "-9600", Description: "thrown away" }, "a stock correction, not a sale"],
    ["a return of goods sent", { InvoiceNo: "C536379", Quantity: "1" }, "a cancellation of more than 0 units"],
    ["no quantity", { Quantity: "" }, "the quantity is no whole number"],
    ["half a unit", { Quantity: "0.5" }, "the quantity is no whole number"],
    ["quantity 0", { Quantity: "0" }, "the quantity is 0"],
    ["more than an order may have", { Quantity: "1000001" }, "more than 1000000 units"],
    ["price 0", { UnitPrice: "0.0", Description: "damaged" }, "the price is 0"],
    ["a price below 0", { UnitPrice: "-11062.06" }, "the price is below 0"],
    ["a tenth of a penny", { UnitPrice: "0.001" }, "the price is not in whole pence"],
    ["no price", { UnitPrice: "" }, "the price is no number"],
    ["a price in words", { UnitPrice: "1e3" }, "the price is no number"],
    ["a price above the limit", { UnitPrice: "100000000.01" }, "the price is too high"],
    ["no date", { InvoiceDate: "" }, "the date cannot be read"],
    ["the 31st of February", { InvoiceDate: "2011-02-31 08:26:00" }, "the date cannot be read"],
    ["a customer id with a space", { CustomerID: "17 850" }, "the customer id is none"],
  ];
  test.each(leftOut)("leaves out %s and says why", (_, row, why) => {
    expect(saleLineOf(aRow(row))).toMatchObject({ kind: "left out", row: { lineNumber: 2, why } });
  });
});
