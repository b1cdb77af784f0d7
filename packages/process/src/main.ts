import { ConfigError } from "./config-error.ts";
import { createLogger } from "./logger.ts";

/**
 * Runs the start of a program that logs: what it cannot start with is its last line, at level fatal, then the process ends
 * with 78 for a wrong configuration and 1 for anything else. What goes wrong after the start is `runUntilSignal`'s to report.
 */
export async function main(service: string, start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (err) {
    const log = createLogger({ service });
    if (err instanceof ConfigError) {
      log.fatal({ problems: err.problems }, "cannot start: the configuration is wrong");
      process.exit(err.exitCode);
    }
    log.fatal({ err }, "cannot start");
    process.exit(1);
  }
}
