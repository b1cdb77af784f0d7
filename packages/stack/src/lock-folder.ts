import { randomUUID } from "node:crypto";
import { link, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { processIdentity } from "@holdfast/storage/embedded";
import { readIfThere } from "./read-if-there.ts";
import { StackError } from "./stack-error.ts";
import type { StackFolder } from "./stack-folder.ts";

const POLL_MS = 20;

export interface LockOptions {
  /** Whether the stack that has the folder is about to give it back: then that is waited for. @default never */
  isStopping?: () => Promise<boolean>;
  /** Called once when something is waited for. @default nothing */
  onWait?: (message: string) => void;
}

/**
 * Takes the folder for this process: one stack a folder. Dispose to give it back. What a killed process left behind is
 * taken over.
 *
 * @throws {StackError} If a running process has it; names that. If it cannot be told who has it.
 */
export async function lockFolder(
  { path, lock }: StackFolder,
  { isStopping = async () => false, onWait = () => {} }: LockOptions = {},
): Promise<AsyncDisposable> {
  const identity = (await processIdentity(process.pid)) ?? String(process.pid);
  const mine = `${lock}.${randomUUID()}`;
  await writeFile(mine, identity, { mode: 0o600 });
  let told = false;
  try {
    // A link is made with its content or not at all: nobody reads a lock that is half written.
    while (!(await succeeds(link(mine, lock), "EEXIST"))) {
      const holder = await readIfThere(lock);
      if (holder === undefined) continue; // it was given back meanwhile
      if (!(await isAlive(holder))) {
        await removeStale(lock, holder, mine);
        continue;
      }
      const [pid] = holder.split(" ");
      if (!(await isStopping())) {
        throw new StackError(`A stack runs already in "${path}": process ${pid}. Stop it, or choose another --folder.`);
      }
      if (!told) onWait(`waiting for the stack of process ${pid} to stop`);
      told = true;
      await sleep(POLL_MS);
    }
  } finally {
    await rm(mine, { force: true });
  }
  return { [Symbol.asyncDispose]: () => rm(lock, { force: true }) };
}

/**
 * Of several that find a stale lock one at a time may look again and remove it: who was slow would otherwise remove the
 * new lock of who was quick.
 */
async function removeStale(lock: string, holder: string, mine: string): Promise<void> {
  const removing = `${lock}.removing`;
  if (!(await succeeds(link(mine, removing), "EEXIST"))) {
    await sleep(5);
    const other = await readIfThere(removing);
    if (other !== undefined && !(await isAlive(other))) await rm(removing, { force: true }); // killed in that very moment
    return;
  }
  if ((await readIfThere(lock)) === holder) await rm(lock);
  await rm(removing, { force: true });
}

async function isAlive(holder: string): Promise<boolean> {
  return (await processIdentity(Number(holder.split(" ")[0]))) === holder;
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
