import { constants } from "node:os";

/**
 * The program ends without a word when nobody reads what it says any more, as behind `| head`. Its exit code is the one that
 * a shell has for SIGPIPE, which ends other tools then.
 */
export function endWithReader(): void {
  for (const output of [process.stdout, process.stderr]) {
    output.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(128 + constants.signals.SIGPIPE);
    });
  }
}
