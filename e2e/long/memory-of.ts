import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";

/** Peak resident memory of a process in its life so far. Unit: MB (10^6 bytes). Linux only. */
export function peakRssMb(pid: number): number {
  return kilobytes(`/proc/${pid}/status`, "VmHWM");
}

/** Resident memory of a process now. Unit: MB. */
export function rssMb(pid: number): number {
  return kilobytes(`/proc/${pid}/status`, "VmRSS");
}

/**
 * Memory of a process and all that it has started, each shared page counted once (PSS): PostgreSQL's processes share
 * their buffers, so that a sum of RSS would count those again and again. Unit: MB.
 */
export async function treeMb(root: number): Promise<number> {
  const children = new Map<number, number[]>();
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    const parent = Number.isNaN(pid) ? undefined : parentOf(pid);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const below = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(below)];
  return below(root).reduce((sum, pid) => sum + orZero(() => kilobytes(`/proc/${pid}/smaps_rollup`, "Pss")), 0);
}

function kilobytes(file: string, key: string): number {
  const [, value = "0"] = new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(readFileSync(file, "utf8")) ?? [];
  return (Number(value) * 1_024) / 1_000_000;
}

function parentOf(pid: number): number | undefined {
  try {
    // The name stands in brackets and may hold anything; state and parent follow it.
    const [, parent] = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return Number(parent);
  } catch {
    return undefined; // ended while we looked
  }
}

/** A process that ended while we looked uses nothing. */
function orZero(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}
