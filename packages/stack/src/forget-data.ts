import { rm } from "node:fs/promises";
import { type RemoveEmbeddedPostgresOptions, removeEmbeddedPostgres } from "@holdfast/storage/embedded";
import { StackError } from "./stack-error.ts";
import type { StackFolder } from "./stack-folder.ts";

/**
 * Deletes what earlier stacks kept, by name: whatever else is in the folder stays. A database server that one of them left
 * running is ended before; no other program of theirs may be running.
 *
 * @throws {StackError} If the database cannot be ended or deleted. The signal's reason if that aborts.
 */
export async function forgetData(folder: StackFolder, options: Required<RemoveEmbeddedPostgresOptions>): Promise<void> {
  await removeEmbeddedPostgres(folder.postgres, options).catch((cause: Error) => {
    options.signal.throwIfAborted();
    throw new StackError(cause.message, { cause });
  });
  for (const path of [folder.provider, folder.logs, folder.passwords, folder.stackFile, folder.seeded]) {
    await rm(path, { recursive: true, force: true });
  }
}
