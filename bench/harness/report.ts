import { describeMachine } from "./machine.ts";
import { writeNumbers } from "./numbers.ts";
import type { BenchOptions } from "./options.ts";

/** Tells on one line of the terminal what goes on; nothing where the output is kept. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

/** What every report begins with: command, machine, date. Taken at the start, before the run itself is the load. */
export function reportHead(name: string, pinned: boolean): string {
  const date = new Date().toISOString().slice(0, 10);
  return `\`npm run bench:${name}\`, ${date}, ${describeMachine(pinned)}.`;
}

/** Prints the report, and keeps it in docs/numbers.md where that is wanted. */
export async function publish(name: string, report: string, { quick, write }: BenchOptions): Promise<void> {
  showProgress("");
  console.log(quick ? `${report}\n\nA quick run: these figures mean nothing.` : report);
  if (write) await writeNumbers(name, report);
}
