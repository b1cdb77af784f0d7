import { type PlannedOrder, ordersOf } from "./orders-of.ts";
import { parsePrice } from "./parse-price.ts";
import { parseQuantity } from "./parse-quantity.ts";
import { type FileRow, readRows } from "./read-rows.ts";
import { type LeftOutRow, type SaleLine, saleLineOf } from "./sale-line-of.ts";

/** What a file asks for. */
export interface Day {
  readonly path: string;
  readonly rowCount: number;
  readonly invoiceCount: number;
  /** By time. */
  readonly orders: readonly PlannedOrder[];
  /** Rows that cannot be part of an order, as they stand in the file. */
  readonly leftOut: readonly LeftOutRow[];
  /** Invoices none of whose rows can. */
  readonly invoicesLeftOut: readonly string[];
  /** Sum of quantity × price over all rows, returns being negative. Unit: millionths of a pound. */
  readonly fileMicros: bigint;
  /** The part of it that the left out rows make. */
  readonly leftOutMicros: bigint;
}

/** Reads a whole file. @throws {InputError} See {@link readRows}. */
export async function readDay(path: string): Promise<Day> {
  const invoices = new Set<string>();
  const lines: SaleLine[] = [];
  const leftOut: LeftOutRow[] = [];
  let rowCount = 0;
  let fileMicros = 0n;
  let leftOutMicros = 0n;
  for await (const row of readRows(path)) {
    rowCount += 1;
    invoices.add(row.InvoiceNo.toUpperCase());
    const micros = amountOf(row);
    fileMicros += micros;
    const outcome = saleLineOf(row);
    if (outcome.kind === "line") {
      lines.push(outcome.line);
      continue;
    }
    leftOut.push(outcome.row);
    leftOutMicros += micros;
  }
  const ordered = new Set(lines.map(({ invoiceNo }) => invoiceNo));
  return {
    path,
    rowCount,
    invoiceCount: invoices.size,
    orders: ordersOf(lines),
    leftOut,
    invoicesLeftOut: [...invoices].filter((invoiceNo) => !ordered.has(invoiceNo)),
    fileMicros,
    leftOutMicros,
  };
}

/** 0 where quantity or price cannot be read: such a row adds nothing, on either side of the balance. */
function amountOf(row: FileRow): bigint {
  const price = parsePrice(row.UnitPrice);
  const units = parseQuantity(row.Quantity);
  return price === undefined || units === undefined ? 0n : price * BigInt(units);
}
