import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Place } from "./place.ts";
import { readPostmaster } from "./postmaster.ts";
import { processIdentity } from "./process-identity.ts";
import { undefinedIfMissing } from "./undefined-if-missing.ts";

/** An owner that was killed a moment ago may not be gone yet. */
const KILLED_WITHIN_MS = 1_000;
const POLL_MS = 20;

/**
 * Takes the cluster for this process, so that two cannot prepare it at once. Dispose to give it back. What a killed
 * process left behind is taken over, also when its id has been given to another one since.
 *
 * @throws {Error} If a living process has it; names that and its server.
 */
export async function claim(place: Place): Promise<AsyncDisposable> {
  const mine = (await processIdentity(process.pid)) ?? String(process.pid);
  for (;;) {
    const created = await writeFile(place.owner, mine, { flag: "wx" }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
        return false;
      },
    );
    if (created) return { [Symbol.asyncDispose]: () => rm(place.owner, { force: true }) };
    const owner = (await readFile(place.owner, "utf8").catch(undefinedIfMissing)) ?? ""; // given back meanwhile
    const pid = Number(owner.split(" ")[0]);
    if (!(await isGoneWithin(pid, owner, KILLED_WITHIN_MS))) throw await inUse(place, pid);
    await rm(place.owner, { force: true });
  }
}

async function isGoneWithin(pid: number, identity: string, timeoutMs: number): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await sleep(POLL_MS)) {
    if ((await processIdentity(pid)) !== identity) return true;
  }
  return false;
}

async function inUse(place: Place, owner: number): Promise<Error> {
  const server = await readPostmaster(place.data);
  const running = server === undefined ? "is preparing it" : `runs its server, process ${server.pid}`;
  return new Error(`Cannot use the database in "${place.folder}": process ${owner} ${running}`);
}
