import { readIfThere } from "./read-if-there.ts";
import type { StackFile } from "./stack-file.ts";
import type { StackFolder } from "./stack-folder.ts";

/** Whether the stack that has the folder is about to give it back. One that has just begun has written nothing yet. */
export async function isStopping({ stackFile }: StackFolder): Promise<boolean> {
  const text = (await readIfThere(stackFile)) ?? "{}";
  return (JSON.parse(text) as Partial<StackFile>).stopping === true;
}
