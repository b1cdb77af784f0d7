import { readKept } from "./read-kept.ts";
import type { StackFile } from "./stack-file.ts";
import type { StackFolder } from "./stack-folder.ts";

/** Whether the stack that has the folder is about to give it back. One that has just begun has written nothing yet. */
export async function isStopping({ stackFile }: StackFolder): Promise<boolean> {
  const { stopping } = await readKept<StackFile>(stackFile);
  return stopping === true;
}
