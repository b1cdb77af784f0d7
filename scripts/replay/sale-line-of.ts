import { noProduct } from "./no-product.ts";
import { formatPence, MICROS_PER_PENNY, parsePrice } from "./parse-price.ts";
import { parseQuantity } from "./parse-quantity.ts";
import { parseTime } from "./parse-time.ts";
import type { FileRow } from "./read-rows.ts";

/** A row that can be a line of an order. */
export interface SaleLine {
  readonly lineNumber: number;
  readonly invoiceNo: string;
  /** Whether the invoice takes goods back. */
  readonly isReturn: boolean;
  /** Local time of the invoice, see {@link parseTime}. Unit: milliseconds. */
  readonly time: number;
  /** Empty when the row names none. */
  readonly customerId: string;
  readonly stockCode: string;
  readonly description: string;
  /** `<stock code>@<price>`: prices of one code differ within a day, and an order must cost what the invoice says. */
  readonly sku: string;
  /** Above 0, of a return too. */
  readonly quantity: number;
  readonly unitPricePence: bigint;
}

/** A row that cannot. */
export interface LeftOutRow {
  readonly lineNumber: number;
  readonly invoiceNo: string;
  /** The same words for all rows of one kind. */
  readonly why: string;
  /** What stands in the row, for people. */
  readonly detail: string;
}

export type RowOutcome = { kind: "line"; line: SaleLine } | { kind: "left out"; row: LeftOutRow };

/** Limits of the contracts (OrderItem.quantity and ProductRow). */
const MAX_QUANTITY = 1_000_000;
const MAX_PRICE_PENCE = 10_000_000_000n;
const SKU = /^[A-Za-z0-9][A-Za-z0-9._@:/-]{0,63}$/;
const CUSTOMER_ID = /^[A-Za-z0-9._@:-]{0,64}$/;

/** Makes a row an order's line, or says why it cannot be one. */
export function saleLineOf(row: FileRow): RowOutcome {
  const leftOut = (why: string, detail: string): RowOutcome => ({
    kind: "left out",
    row: { lineNumber: row.lineNumber, invoiceNo: row.InvoiceNo, why, detail: detail.trim() },
  });

  if (row.broken) return leftOut("the row has another number of values than the header", row.InvoiceNo);
  const invoiceNo = row.InvoiceNo.toUpperCase();
  if (/^A\d+$/.test(invoiceNo)) return leftOut("a bad-debt adjustment, not a sale", row.Description);
  if (!/^C?\d{1,20}$/.test(invoiceNo)) return leftOut("the invoice number is none", row.InvoiceNo);
  const isReturn = invoiceNo.startsWith("C");

  // The same code comes in both cases: 15056BL and 15056bl.
  const stockCode = row.StockCode.toUpperCase();
  const other = noProduct(stockCode);
  if (other !== undefined) return leftOut(`no product: ${other}`, `${stockCode} ${row.Quantity} × ${row.UnitPrice}`);

  const units = parseQuantity(row.Quantity);
  if (units === undefined) return leftOut("the quantity is no whole number", row.Quantity);
  if (units === 0) return leftOut("the quantity is 0", stockCode);
  if (units < 0 && !isReturn) return leftOut("a stock correction, not a sale", `${row.Quantity} ${row.Description}`);
  if (units > 0 && isReturn) return leftOut("a cancellation of more than 0 units", row.Quantity);
  const quantity = Math.abs(units);
  if (quantity > MAX_QUANTITY) return leftOut(`more than ${MAX_QUANTITY} units`, row.Quantity);

  const micros = parsePrice(row.UnitPrice);
  if (micros === undefined) return leftOut("the price is no number", row.UnitPrice);
  if (micros < 0n) return leftOut("the price is below 0", row.UnitPrice);
  if (micros === 0n) return leftOut("the price is 0", `${stockCode} ${row.Description}`);
  if (micros % MICROS_PER_PENNY !== 0n) return leftOut("the price is not in whole pence", row.UnitPrice);
  const unitPricePence = micros / MICROS_PER_PENNY;
  if (unitPricePence > MAX_PRICE_PENCE) return leftOut("the price is too high", row.UnitPrice);

  const sku = `${stockCode}@${formatPence(unitPricePence)}`;
  if (stockCode === "" || !SKU.test(sku)) return leftOut("the stock code is none", row.StockCode);
  const time = parseTime(row.InvoiceDate);
  if (time === undefined) return leftOut("the date cannot be read", row.InvoiceDate);
  // Written as a number with a decimal point where the column has gaps.
  const customerId = row.CustomerID.replace(/^(\d+)\.0+$/, "$1");
  if (!CUSTOMER_ID.test(customerId)) return leftOut("the customer id is none", row.CustomerID);

  const { lineNumber, Description: description } = row;
  return {
    kind: "line",
    line: { lineNumber, invoiceNo, isReturn, time, customerId, stockCode, description, sku, quantity, unitPricePence },
  };
}
