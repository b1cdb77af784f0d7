import { setTimeout as sleep } from "node:timers/promises";

/** What calls come in through. */
export interface DrainableServer {
  readonly health: {
    /** NOT_SERVING for good: who watches sends its next call elsewhere. Calls are still taken. */
    drain(): void;
  };
  /** GOAWAY, and UNAVAILABLE with a hint for streams; calls under way may finish for `graceMs`. Unit: milliseconds. */
  drain(options: { graceMs: number }): Promise<void>;
}

/** What works without being called: sagas, consumers, timers. */
export interface DrainableWorker {
  /** Takes nothing new; finishes what is in hand within `graceMs`, or gives it back. Unit: milliseconds. */
  stop(options: { graceMs: number }): Promise<void>;
}

export interface DrainOptions {
  server: DrainableServer;
  /** @default [] */
  workers?: readonly DrainableWorker[];
  times: DrainTimes;
}

/** As a service's environment has them. Unit: milliseconds. */
export interface DrainTimes {
  /** Longest time for the whole drain, with what is closed after it. */
  readonly DRAIN_MS: number;
  /**
   * How long calls are taken while those who find this instance by name only learn that it goes: about the interval at
   * which they resolve. Who watches health needs none. At most half of DRAIN_MS: {@link drainProblems} refuses more.
   */
  readonly DRAIN_RESOLVERS_MS: number;
}

/** Of the drain time, kept back for what is closed afterwards: pools, connections. Unit: milliseconds. */
const CLOSING_MS = 1_000;

/** How long calls under way, and work in hand, may take to finish. Unit: milliseconds. */
export function graceOf({ DRAIN_MS, DRAIN_RESOLVERS_MS }: DrainTimes): number {
  return DRAIN_MS - DRAIN_RESOLVERS_MS - Math.min(CLOSING_MS, DRAIN_MS / 4);
}

/** What is wrong with times that leave the calls under way less than a quarter of the drain: for a configuration to report. */
export function drainProblems({ DRAIN_MS, DRAIN_RESOLVERS_MS }: DrainTimes): string[] {
  if (DRAIN_RESOLVERS_MS <= DRAIN_MS / 2) return [];
  return [
    `DRAIN_RESOLVERS_MS: must be at most ${Math.floor(DRAIN_MS / 2)}, a half of DRAIN_MS, got "${DRAIN_RESOLVERS_MS}"`,
  ];
}

/**
 * Takes an instance out of service without losing anything: it says that it goes, still serves those who have not heard
 * of it, then ends streams, finishes what is under way and stops what works by itself.
 */
export async function drain({ server, workers = [], times }: DrainOptions): Promise<void> {
  server.health.drain();
  if (times.DRAIN_RESOLVERS_MS > 0) await sleep(times.DRAIN_RESOLVERS_MS);
  const grace = { graceMs: graceOf(times) };
  // All of them, even if one fails: what is closed next would be missed by the others.
  const ends = await Promise.allSettled([server.drain(grace), ...workers.map((worker) => worker.stop(grace))]);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
