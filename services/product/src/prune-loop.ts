import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@holdfast/process";
import { DatabaseError } from "@holdfast/storage";
import type { Scope } from "./domain/scope.ts";

/** Longest time for one batch. Unit: milliseconds. */
const BATCH_MS = 5_000;

export interface PruneLoopOptions {
  /** Forgets one batch. @returns Whether there may be more. */
  prune: (scope: Scope) => Promise<boolean>;
  /** Time between two rounds. Unit: milliseconds. */
  intervalMs: number;
  /** Ends the loop. */
  signal: AbortSignal;
  log: Logger;
}

/** Prunes now and at every interval, batch after batch, until the signal aborts; resolves then. */
export async function pruneLoop({ prune, intervalMs, signal, log }: PruneLoopOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      while (await prune({ deadline: Date.now() + BATCH_MS, signal }));
    } catch (err) {
      if (!(err instanceof DatabaseError)) throw err;
      // Nothing is lost: the next round finds the same rows.
      if (!signal.aborted) log.warn({ err }, "idempotency keys not pruned");
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined); // rejects only when the loop ends
  }
}
