import { monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 10;

/**
 * Watches how late this process comes to its turn.
 * @returns The longest that it was late since this was last asked, or since the start. Unit: milliseconds.
 */
export function watchStalls(): () => number {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  return () => {
    // What is measured is from one turn to the next.
    const longest = Math.max(0, delays.max / 1e6 - RESOLUTION_MS);
    delays.reset();
    return longest;
  };
}
