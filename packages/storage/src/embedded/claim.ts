import { readFile, rm, writeFile } from "node:fs/promises";
import type { Place } from "./place.ts";
import { endsWithin, readPostmaster } from "./postmaster.ts";

/** An owner that was killed a moment ago may not be gone yet. */
const KILLED_WITHIN_MS = 1_000;

/**
 * Takes the cluster for this process, so that two cannot prepare it at once. Dispose to give it back. What a killed
 * process left behind is taken over.
 *
 * @throws {Error} If a living process has it; names that and its server.
 */
export async function claim(place: Place): Promise<AsyncDisposable> {
  const mine = String(process.pid);
  for (;;) {
    const created = await writeFile(place.owner, mine, { flag: "wx" }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
        return false;
      },
    );
    if (created) return { [Symbol.asyncDispose]: () => rm(place.owner, { force: true }) };
    const owner = Number(await readFile(place.owner, "utf8").catch(() => "0")); // given back meanwhile
    if (owner > 0 && !(await endsWithin(owner, KILLED_WITHIN_MS))) throw await inUse(place, owner);
    await rm(place.owner, { force: true });
  }
}

async function inUse(place: Place, owner: number): Promise<Error> {
  const server = await readPostmaster(place.data);
  const running = server === undefined ? "is preparing it" : `runs its server, process ${server.pid}`;
  return new Error(`Cannot use the database in "${place.folder}": process ${owner} ${running}`);
}
