import { ConfigError } from "./config-error.ts";

/**
 * Runs a program's start: what it cannot start with is printed to stderr, then the process ends with 78 for a wrong
 * configuration and 1 for anything else. What goes wrong after the start is `runUntilSignal`'s to report.
 */
export async function main(start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    const wrongConfig = error instanceof ConfigError;
    process.stderr.write(`${wrongConfig ? error.message : textOf(error)}\n`);
    process.exit(wrongConfig ? error.exitCode : 1);
  }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return `Cannot start: ${String(error)}`;
  const text = error.stack ?? error.message;
  return error.cause === undefined ? text : `${text}\ncaused by: ${textOf(error.cause)}`;
}
