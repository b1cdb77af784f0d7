import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { processIdentity } from "./process-identity.ts";
import { StackError } from "./stack-error.ts";
import type { StackFolder } from "./stack-folder.ts";

/**
 * Takes the folder for this process: one stack a folder. Dispose to give it back. What a killed process left behind is
 * taken over.
 *
 * @throws {StackError} If a running process has it; names that.
 */
export async function lockFolder({ path, lock }: StackFolder): Promise<AsyncDisposable> {
  const identity = (await processIdentity(process.pid)) ?? String(process.pid);
  const mine = `${lock}.${process.pid}`;
  await writeFile(mine, identity, { mode: 0o600 });
  try {
    // A link is made with its content or not at all: nobody reads a lock that is half written.
    while (!(await succeeds(link(mine, lock), "EEXIST"))) {
      const holder = await readFile(lock, "utf8").catch(() => undefined); // given back meanwhile
      if (holder === undefined) continue;
      const pid = Number(holder.split(" ")[0]);
      if ((await processIdentity(pid)) === holder) {
        throw new StackError(`A stack runs already in "${path}": process ${pid}. Stop it, or choose another --folder.`);
      }
      await removeStale(lock, holder, `${mine}.stale`);
    }
  } finally {
    await rm(mine, { force: true });
  }
  return { [Symbol.asyncDispose]: () => rm(lock, { force: true }) };
}

/** Of several that find a stale lock one moves it away; who moves away a new lock by mistake puts it back. */
async function removeStale(lock: string, holder: string, aside: string): Promise<void> {
  if (!(await succeeds(rename(lock, aside), "ENOENT"))) return;
  if ((await readFile(aside, "utf8")) !== holder) await succeeds(link(aside, lock), "EEXIST");
  await rm(aside);
}

/** Whether it worked; `false` stands for the one expected failure. */
async function succeeds(attempt: Promise<void>, expected: string): Promise<boolean> {
  try {
    await attempt;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === expected) return false;
    throw error;
  }
}
