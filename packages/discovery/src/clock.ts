// SPDX-License-Identifier: MIT
/**
 * Copy:    clock.ts
 * Place:   beside resolver/ and policy/; both import it.
 * Does:    makes time an argument: a test hands in one that it moves by hand.
 * Doesn't: keep a process alive: what waits here is upkeep, and a process that has nothing else to do may end.
 * With:    -
 * Source:  -
 */

export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number;
  /** Runs once, `ms` from now: at once from 0 down. At most 2^31-1. */
  setTimeout(run: () => void, ms: number): Timer;
}

export interface Timer {
  /** Without effect once it has run. */
  cancel(): void;
}

/** The time of this machine, and timers that do not hold the event loop open. */
export const systemClock: Clock = {
  // Never goes back, whatever is done to the machine's clock: most of what is asked is how long something takes.
  now: () => performance.timeOrigin + performance.now(),
  setTimeout(run, ms) {
    const timer = setTimeout(run, Math.max(0, ms)).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
