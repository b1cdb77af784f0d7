import { basename } from "node:path";
import { formatPence, MICROS_PER_PENNY } from "./parse-price.ts";
import type { ReplayedDay, Summary } from "./summary.ts";

const LABEL_WIDTH = 32;
const NUMBER_WIDTH = 8;

/** The table that a day ends with. */
export function formatSummary(replayed: ReplayedDay, summary: Summary): string {
  const { day, outcomes, elapsedMs, lateMs } = replayed;
  const returns = day.orders.filter(({ isReturn }) => isReturn).length;
  const tooLate = outcomes.filter((outcome) => outcome.kind === "terminal" && outcome.cancelledTooLate).length;
  const seconds = elapsedMs / 1_000;
  const row = (label: string, value: number, note = "") =>
    `  ${label.padEnd(LABEL_WIDTH)}${String(value).padStart(NUMBER_WIDTH)}${note === "" ? "" : `  ${note}`}`;

  const lines = [
    basename(day.path),
    row("rows", day.rowCount, `${day.leftOut.length} cannot be part of an order`),
    row("invoices", day.invoiceCount, `${day.invoicesLeftOut.length} have no row that can`),
    row("orders", day.orders.length, `${returns} of them returns, placed and cancelled`),
    ...[...summary.ends].sort(([a], [b]) => (a < b ? 1 : -1)).map(([end, count]) => row(`  ${end}`, count)),
  ];
  if (tooLate > 0) lines.push(row("  confirmed before CancelOrder", tooLate));
  const rate = (day.orders.length / Math.max(seconds, 0.001)).toFixed(1);
  const late = lateMs > 50 ? ` · up to ${Math.round(lateMs)} ms behind the file's times` : "";
  lines.push(`  ${rate} orders/s · ${seconds.toFixed(1)} s${late}`);
  for (const [reason, { orders: n, pence }] of summary.notSold) {
    lines.push(`  not sold: ${n} ${n === 1 ? "order" : "orders"}, £${formatPence(pence)} ${reason}`.trimEnd());
  }
  lines.push(`  ${moneyLine(replayed, summary)}`);
  return lines.join("\n");
}

function moneyLine({ day }: ReplayedDay, { salesPence, notSoldPence, returnsPence, addsUp }: Summary): string {
  const [sales, returns] = [formatPence(salesPence), formatPence(returnsPence)];
  const rest = notSoldPence === 0n ? "" : ` + not sold ${formatPence(notSoldPence)}`;
  const sum = `sales ${sales}${rest} - returns ${returns} + rows left out ${pounds(day.leftOutMicros)}`;
  return `GBP: ${sum} ${addsUp ? "=" : "≠"} ${pounds(day.fileMicros)} of the file`;
}

/** Pounds with two decimals; with six where the file has parts of a penny. */
function pounds(micros: bigint): string {
  if (micros % MICROS_PER_PENNY === 0n) return formatPence(micros / MICROS_PER_PENNY);
  const digits = (micros < 0n ? -micros : micros).toString().padStart(7, "0");
  return `${micros < 0n ? "-" : ""}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
