import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryFolder } from "./temporary-folder.ts";

const ROOT = join(import.meta.dirname, "../..");
const ANY_PORTS = ["payment", "product", "order"].map((name) => `--${name}-port=0`);
const POLL_MS = 20;

/** What `npm start` runs, in a folder of its own and on free ports. */
export interface NpmStart {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  output(): string;
  /** Waits for a text that was not there at the last call. @throws {Error} With the output, if the process ends first. */
  says(text: string): Promise<void>;
  /** How it ended, and how long that took from now. */
  end(): Promise<{ code: number | null; elapsedMs: number }>;
}

/** Starts it; a folder of `newFolder()`, other arguments of `npm start`. */
export function npmStart(folder: string, args: readonly string[] = [], ports = ANY_PORTS): NpmStart {
  const command = ["scripts/bootstrap.mjs", "scripts/start.ts", "--folder", folder, ...ports, ...args];
  const child = spawn("node", command, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let seen = 0;
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const closed = once(child, "close") as Promise<[number | null]>;
  const ended = closed.then(() => true);
  return {
    child,
    output: () => output,
    async says(text) {
      while (!output.includes(text, seen)) {
        const isOver = await Promise.race([ended, sleep(POLL_MS)]);
        if (isOver === true && !output.includes(text, seen)) throw new Error(`It never said "${text}":\n${output}`);
      }
      seen = output.indexOf(text, seen) + text.length;
    },
    async end() {
      const since = performance.now();
      const [code] = await closed;
      return { code, elapsedMs: performance.now() - since };
    },
  };
}

/** A folder for a stack, which goes away with its user. */
export async function newFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await temporaryFolder("holdfast-start-");
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Whether a process runs. One that has ended and whose new parent has not asked yet does not: a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false; // ESRCH: it has ended
  }
  return stateOf(pid) !== "Z";
}

/** Source: proc(5), field 3 of /proc/<pid>/stat. */
function stateOf(pid: number): string | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0];
  } catch {
    return "Z"; // has been asked for just now
  }
}

/** Waits until it is so. The test's own time limit ends it otherwise. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(POLL_MS);
}
