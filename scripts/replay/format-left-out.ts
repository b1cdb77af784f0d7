import { basename } from "node:path";
import type { Day } from "./read-day.ts";
import type { LeftOutRow } from "./sale-line-of.ts";

/** Rows that cannot be part of an order: how many of each kind, the most frequent kind first. */
export function formatLeftOutCounts(days: readonly Day[]): string {
  const counts = new Map<string, number>();
  for (const { why } of days.flatMap((day) => day.leftOut)) counts.set(why, (counts.get(why) ?? 0) + 1);
  const rows = [...counts].sort(([, a], [, b]) => b - a);
  return ["rows that cannot be part of an order", ...rows.map(([why, n]) => `${String(n).padStart(8)}  ${why}`)].join(
    "\n",
  );
}

/** The same rows one by one, each a line. */
export function formatLeftOutRows(days: readonly Day[]): string[] {
  return days.flatMap((day) => day.leftOut.map((row) => formatRow(day.path, row)));
}

function formatRow(path: string, { lineNumber, invoiceNo, why, detail }: LeftOutRow): string {
  const what = detail === "" ? "" : ` (${detail})`;
  return `  ${basename(path)}:${lineNumber} invoice ${invoiceNo || "none"}: ${why}${what}`;
}
