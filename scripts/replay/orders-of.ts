import type { SaleLine } from "./sale-line-of.ts";

/** Most items of one order (CreateOrderRequest.items). */
export const MAX_ITEMS = 1_000;

/** An order to place for an invoice. */
export interface PlannedOrder {
  /** The invoice's number, followed by "/1", "/2" … where its lines are more than one order may have. */
  readonly name: string;
  readonly invoiceNo: string;
  /** Whether the order is placed to be cancelled. */
  readonly isReturn: boolean;
  /** When the invoice was written. Unit: milliseconds of local time. */
  readonly time: number;
  /** The invoice's customer, or "guest-" and the invoice's number. */
  readonly customerId: string;
  readonly items: readonly { readonly sku: string; readonly quantity: number }[];
  readonly totalPence: bigint;
}

/** The orders of all invoices that have a line, by time. Times and customers are those of an invoice's first line. */
export function ordersOf(lines: Iterable<SaleLine>): PlannedOrder[] {
  const invoices = new Map<string, SaleLine[]>();
  for (const line of lines) {
    const others = invoices.get(line.invoiceNo);
    if (others === undefined) invoices.set(line.invoiceNo, [line]);
    else others.push(line);
  }
  return [...invoices.values()].flatMap(ordersOfInvoice).sort((a, b) => a.time - b.time);
}

function ordersOfInvoice(lines: readonly SaleLine[]): PlannedOrder[] {
  const [first] = lines;
  if (first === undefined) return [];
  const { invoiceNo, isReturn, time } = first;
  const customerId = lines.find((line) => line.customerId !== "")?.customerId ?? `guest-${invoiceNo}`;
  const parts = Math.ceil(lines.length / MAX_ITEMS);
  return Array.from({ length: parts }, (_, part) => {
    const own = lines.slice(part * MAX_ITEMS, (part + 1) * MAX_ITEMS);
    return {
      name: parts === 1 ? invoiceNo : `${invoiceNo}/${part + 1}`,
      invoiceNo,
      isReturn,
      time,
      customerId,
      items: own.map(({ sku, quantity }) => ({ sku, quantity })),
      totalPence: own.reduce((sum, line) => sum + line.unitPricePence * BigInt(line.quantity), 0n),
    };
  });
}
