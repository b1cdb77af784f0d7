import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Status } from "@holdfast/rpc";
import { formatLeftOutCounts, formatLeftOutRows } from "./format-left-out.ts";
import { formatSummary } from "./format-summary.ts";
import { type ReplayedDay, summarize } from "./summary.ts";

/** Rows that are listed unless all are asked for. */
const SHOWN_ROWS = 20;

export interface ReportOptions {
  run: string;
  /** Where the list of the rows goes. */
  folder: string;
  /** Whether to print every row that was left out; otherwise what is not printed goes to a file. */
  list: boolean;
  /** Of the sales: some cards may be declined. */
  paymentMethod: string;
  /** Calls that failed for a while, by status code. */
  faults: ReadonlyMap<number, number>;
}

/** Prints what became of the days. Returns whether everything is as it should be. */
export async function printReport(replayed: readonly ReplayedDay[], options: ReportOptions): Promise<boolean> {
  const days = replayed.map(({ day }) => day);
  const rows = formatLeftOutRows(days);
  if (rows.length > 0) {
    console.log(`\n${formatLeftOutCounts(days)}`);
    console.log(rows.slice(0, options.list ? rows.length : SHOWN_ROWS).join("\n"));
    if (!options.list && rows.length > SHOWN_ROWS) await writeRest(rows, options);
  }

  const summaries = replayed.map((day) => ({ day, summary: summarize(day, options.paymentMethod) }));
  for (const { day, summary } of summaries) console.log(`\n${formatSummary(day, summary)}`);
  const faults = [...options.faults].map(([code, n]) => `${n} × ${Status[code]}`);
  if (faults.length > 0) console.log(`  calls that failed and were repeated: ${faults.join(", ")}`);
  const findings = summaries.flatMap(({ summary }) => summary.findings);
  for (const finding of findings) console.log(`  ! ${finding}`);
  return findings.length === 0;
}

async function writeRest(rows: readonly string[], { folder, run }: ReportOptions): Promise<void> {
  const path = join(folder, `replay-${run.replaceAll(/[^\w.-]/g, "_")}-left-out.txt`);
  const more = `  … and ${rows.length - SHOWN_ROWS} more`;
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path, `${rows.map((row) => row.trim()).join("\n")}\n`);
    console.log(`${more}: all of them in ${path} (--list prints them)`);
  } catch {
    // As in a container, where nothing may be written, and nothing would be left of it.
    console.log(`${more}: --list prints them`);
  }
}
