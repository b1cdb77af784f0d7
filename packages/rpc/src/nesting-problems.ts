import { methods } from "@holdfast/contracts/methods";

/** A time that has to end before another one does. */
export interface Nested {
  /** The setting, as who runs the process knows it. */
  name: string;
  ms: number;
  /** The method that waits for it, by its path, or another setting. */
  within: string | { name: string; ms: number };
  /** Kept back of the outer time, to answer in. Unit: milliseconds. @default 500 */
  marginMs?: number;
}

/**
 * What is wrong with times that have to nest: an outer one that ends first leaves the inner work without anybody who waits for it.
 * One line for each, for a configuration to report at start.
 *
 * @throws {Error} For a path that the contracts do not have.
 */
export function nestingProblems(times: readonly Nested[]): string[] {
  return times.flatMap(({ name, ms, within, marginMs = 500 }) => {
    const outer = typeof within === "string" ? { name: within, ms: deadlineOf(within) } : within;
    if (ms + marginMs <= outer.ms) return [];
    return [
      `${name}: must be at most ${outer.ms - marginMs}, for ${outer.name} waits ${outer.ms} ms for it, got "${ms}"`,
    ];
  });
}

function deadlineOf(path: string): number {
  const method = methods[path];
  if (method === undefined) throw new Error(`The contracts have no method "${path}"`);
  return method.deadlineMs;
}
