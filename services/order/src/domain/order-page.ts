import type { Order } from "./order.ts";

/**
 * Lines on a page, so that a message stays below the 4 MiB that clients take: a line has up to 900 bytes. At least one
 * order is on a page, however long it is.
 */
const MOST_LINES = 3_000;

/** The last order of a page. */
export interface PagePosition {
  readonly createTime: Date;
  readonly orderId: string;
}

export interface OrderPage {
  readonly orders: readonly Order[];
  readonly hasMore: boolean;
}

/** What goes on a page of at most `limit` orders. `rows` has one more than that if there is one more. */
export function cutPage<Row>(
  rows: readonly Row[],
  limit: number,
  lineCount: (row: Row) => number,
): { kept: readonly Row[]; hasMore: boolean } {
  let lines = 0;
  let end = 0;
  for (const row of rows.slice(0, limit)) {
    lines += lineCount(row);
    if (end > 0 && lines > MOST_LINES) break;
    end += 1;
  }
  return { kept: rows.slice(0, end), hasMore: end < rows.length };
}
