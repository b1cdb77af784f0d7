import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile, readlink, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { undefinedIfMissing } from "./undefined-if-missing.ts";

const run = promisify(execFile);

/** A keeper whose owner was killed needs up to 5 s for a fast shutdown, and a moment for an immediate one. */
const KEEPER_STOPS_WITHIN_MS = 7_000;
const POLL_MS = 20;

/** What the server says about itself in `postmaster.pid`. Source: PostgreSQL's src/include/utils/pidfile.h. */
export interface Postmaster {
  readonly pid: number;
  readonly ready: boolean;
}

/** The server that last claimed the data folder, whether it still runs or not. */
export async function readPostmaster(data: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(data, "postmaster.pid"), "utf8").catch(undefinedIfMissing); // none has claimed it
  const lines = text?.split("\n") ?? [];
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 0 ? { pid, ready: lines[7]?.startsWith("ready") ?? false } : undefined;
}

/** Whether the process runs: one that has ended and that nobody has collected does not, though it can be signalled. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // alive, and somebody else's
  }
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z"); // the name before it may hold anything
  } catch {
    return false; // macOS has no such file
  }
}

/**
 * Makes sure that no server of an earlier run is left on the data folder.
 *
 * One whose owner was killed is being stopped by its keeper: that is waited for. If the keeper is gone as well the server
 * is stopped here. It is not taken over: nobody would stop it at the end, and its settings may be other ones.
 *
 * @throws The signal's reason if that aborts.
 */
export async function endOrphan(
  data: string,
  onProgress: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const left = await readPostmaster(data);
  if (left === undefined || !isAlive(left.pid)) return;
  if (!(await isServerOf(data, left.pid))) {
    // The number belongs to another program by now, or to another folder's server; PostgreSQL would only see it in use.
    await rm(join(data, "postmaster.pid"), { force: true });
    return;
  }
  onProgress(`waiting for the database of an earlier run to stop (process ${left.pid})`);
  if (isAlive(left.pid)) process.kill(left.pid, "SIGCONT"); // a frozen one would hear nobody, not even its keeper
  if (await endsWithin(left.pid, KEEPER_STOPS_WITHIN_MS, signal)) return;
  for (const name of ["SIGINT", "SIGQUIT"] as const) {
    if (isAlive(left.pid)) process.kill(left.pid, name);
    if (await endsWithin(left.pid, 5_000, signal)) return;
  }
  throw new Error(`Cannot start PostgreSQL: process ${left.pid} still serves "${data}" and does not stop`);
}

/** Waits for the end of a process that is not our child. @throws The signal's reason if that aborts. */
async function endsWithin(pid: number, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await sleep(POLL_MS)) {
    if (!isAlive(pid)) return true;
    signal.throwIfAborted();
  }
  return false;
}

/** Whether the process is a PostgreSQL that works in the folder: another one must not be stopped. */
async function isServerOf(data: string, pid: number): Promise<boolean> {
  const { stdout } = await run("ps", ["-o", "args=", "-p", String(pid)]).catch(async () => ({
    stdout: await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "postgres"), // cannot tell: stay on the safe side
  }));
  if (!stdout.includes("postgres")) return false;
  // A server works in its data folder. macOS has no such link, and of somebody else's process it cannot be read.
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  return folder === undefined || folder === (await realpath(data));
}
