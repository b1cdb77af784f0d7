import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** Runs commands, each a line of words, one after the other. @throws {Error} With what the first that fails has printed. */
export async function runCommands(...lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    const [program = "", ...args] = line.split(" ");
    await exec(program, args);
  }
}

/** The same where nothing can be waited for, at the end of a process. What fails is left. */
export function runCommandsNow(...lines: readonly string[]): void {
  for (const line of lines) {
    const [program = "", ...args] = line.split(" ");
    spawnSync(program, args);
  }
}
