import type { FileRow } from "./read-rows.ts";

/** A good row of a sale with the one value that matters exchanged. */
export function aRow(row: Partial<FileRow> = {}): FileRow {
  return {
    lineNumber: 2,
    broken: false,
    InvoiceNo: "536365",
    StockCode: "85123A",
    Description: "WHITE HANGING HEART T-LIGHT HOLDER",
    Quantity: "6",
    InvoiceDate: "2010-12-01 08:26:00",
    UnitPrice: "2.55",
    CustomerID: "17850.0",
    ...row,
  };
}
