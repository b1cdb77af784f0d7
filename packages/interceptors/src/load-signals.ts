// SPDX-License-Identifier: MIT
/**
 * Copy:    load-signals.ts
 * Place:   beside server/load-shed.ts, which asks it.
 * Does:    tells how busy this process is: how late the turns of its event loop are, how much of the time it works, how
 *          full its heap is, how long the calls of a method take. In Node that is what a queue would tell elsewhere: calls
 *          wait in the sockets for the loop.
 * Doesn't: see the machine: a processor that others use up shows as late turns.
 * With:    -
 * Source:  node:perf_hooks, node:v8.
 */
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";

/** How the process fares, since it was asked last. */
export interface LoadSignals {
  /** By how much the slowest hundredth of the event loop's turns was late: what a call waits before it is even seen. */
  readonly eventLoopDelayP99Ms: number;
  /** Share of the time in which the event loop was busy, 0 to 1. */
  readonly utilization: number;
  /** Share of the heap's limit that is in use, 0 to 1. */
  readonly heapUsedShare: number;
}

/** How finely the event loop is watched. Unit: milliseconds. */
const RESOLUTION_MS = 5;

/** The signals of this process. Its timer keeps no process alive. */
export function processSignals(): { read: () => LoadSignals } & Disposable {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let resetAt = performance.now();
  let since: EventLoopUtilization = performance.eventLoopUtilization();
  return {
    read() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, since);
      since = now;
      // It records from one turn to the next, its own interval included, and the first one after a reset not at all: where
      // there is none, the turn has lasted about since then.
      const elapsedMs = performance.now() - resetAt;
      const late = (delay.count === 0 ? elapsedMs : delay.percentile(99) / 1e6) - RESOLUTION_MS;
      delay.reset();
      resetAt += elapsedMs;
      const { used_heap_size: used, heap_size_limit: most } = getHeapStatistics();
      return { eventLoopDelayP99Ms: Math.max(0, late), utilization, heapUsedShare: used / most };
    },
    [Symbol.dispose]: () => void delay.disable(),
  };
}

/** How many of a method's last calls count. */
const WINDOW = 31;

/**
 * How long the calls of a method take: the median of the last 31, less where fewer calls are in progress than there were
 * then. What a burst has taken says nothing about a server that is idle again.
 */
export class ServiceTime {
  #medianMs = 0;
  #medianMsPerCall = 0;
  readonly #last: { ms: number; msPerCall: number }[] = [];
  #count = 0;

  /** 0 until there are enough calls to tell. `inFlight`: calls in progress, the new one included. */
  estimateMs(inFlight: number): number {
    return Math.min(this.#medianMs, this.#medianMsPerCall * inFlight);
  }

  /** `inFlight`: as it was when the call began. */
  add(ms: number, inFlight: number, end: "done" | "cut"): void {
    // One that was cut says that it would have taken longer, not how long.
    if (end === "cut" && this.#medianMs === 0) return;
    const took = end === "cut" ? Math.max(ms, this.estimateMs(inFlight)) : ms;
    this.#last[this.#count % WINDOW] = { ms: took, msPerCall: took / inFlight };
    this.#count += 1;
    if (this.#count < WINDOW || this.#count % 8 !== 0) return;
    this.#medianMs = median(this.#last.map((each) => each.ms));
    this.#medianMsPerCall = median(this.#last.map((each) => each.msPerCall));
  }
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[(WINDOW - 1) / 2] ?? 0;
}
