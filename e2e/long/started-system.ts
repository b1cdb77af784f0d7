import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readStackFile, type StackFile } from "@holdfast/stack";
import { temporaryFolder } from "../support/temporary-folder.ts";

const root = join(import.meta.dirname, "../..");

/** The system as `npm start` runs it, as a process tree of its own. */
export interface StartedSystem extends AsyncDisposable {
  readonly folder: string;
  readonly pid: number;
  /** What runs where just now; a process that is being started again is missing in `pids`. */
  current(): Promise<StackFile>;
}

/** Starts it on free ports with a catalogue, in a folder that goes away with it. */
export async function startedSystem(): Promise<StartedSystem> {
  const folder = await temporaryFolder("holdfast-long-");
  const ports = ["payment", "product", "order"].flatMap((name) => [`--${name}-port`, "0"]);
  const child = spawn(process.execPath, ["scripts/start.ts", "--folder", folder, ...ports], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await printed(child, /Holdfast is ready/);
  return {
    folder,
    pid: child.pid ?? 0,
    current: () => readStackFile(folder),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGINT");
      if (child.exitCode === null) await once(child, "exit");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when a process has printed something. @throws {Error} If it ends before. */
function printed(child: ChildProcess, pattern: RegExp): Promise<void> {
  let text = "";
  return new Promise((resolve, reject) => {
    // Read on to the end: a closed pipe would end the process.
    child.stdout?.on("data", (chunk: Buffer) => {
      text += String(chunk);
      if (pattern.test(text)) resolve();
    });
    child.once("exit", () => reject(new Error(`It ended without ${pattern}:\n${text}`)));
  });
}
