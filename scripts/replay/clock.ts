import { setTimeout as sleep } from "node:timers/promises";

/** Time and chance of a replay, as an argument. */
export interface Clock {
  /** Milliseconds that only grow. */
  now(): number;
  /** Rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(Math.max(0, ms), undefined, { signal }),
  random: Math.random,
};
