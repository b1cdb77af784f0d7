import { setTimeout as sleep } from "node:timers/promises";
import { processIdentity } from "@holdfast/storage/embedded";
import { readKept } from "./read-kept.ts";
import { sendSignal } from "./send-signal.ts";
import type { StackFile } from "./stack-file.ts";
import type { StackFolder } from "./stack-folder.ts";

/** Programs whose stack was killed end by themselves within their drain time; one that was frozen does not. */
const END_WITHIN_MS = 5_000;
const POLL_MS = 20;

/**
 * Waits for the programs of an earlier stack of this folder, whose process was killed, and ends those that stay. They
 * would keep the ports. The database has its own way: `startEmbeddedPostgres` sees to it.
 */
export async function endLeftovers(folder: StackFolder, onProgress: (message: string) => void): Promise<void> {
  const { pids = {}, identities = [] } = await readKept<StackFile>(folder.stackFile);
  await Promise.all(
    Object.entries(pids).map(async ([name, pid]) => {
      const identity = await processIdentity(pid);
      if (name === "postgres" || identity === undefined || !identities.includes(identity)) return;
      onProgress(`waiting for ${name} of an earlier start to end (process ${pid})`);
      await endProcess(pid, identity);
    }),
  );
}

async function endProcess(pid: number, identity: string): Promise<void> {
  for (const signal of ["SIGCONT", "SIGTERM"] as const) sendSignal(pid, signal);
  for (const end = performance.now() + END_WITHIN_MS; performance.now() < end; await sleep(POLL_MS)) {
    if ((await processIdentity(pid)) !== identity) return;
  }
  sendSignal(pid, "SIGKILL");
  while ((await processIdentity(pid)) === identity) await sleep(POLL_MS);
}
