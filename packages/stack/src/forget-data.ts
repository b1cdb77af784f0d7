import { rm } from "node:fs/promises";
import { removeEmbeddedPostgres } from "@holdfast/storage/embedded";
import type { StackFolder } from "./stack-folder.ts";

/** Deletes what earlier stacks kept, by name: whatever else is in the folder stays. Nothing of it may be running. */
export async function forgetData(folder: StackFolder): Promise<void> {
  await removeEmbeddedPostgres(folder.postgres);
  for (const path of [folder.provider, folder.logs, folder.passwords, folder.stackFile, folder.seeded]) {
    await rm(path, { recursive: true, force: true });
  }
}
