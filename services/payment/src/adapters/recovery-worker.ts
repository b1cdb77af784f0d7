import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@holdfast/process";
import type { Scope } from "../domain/scope.ts";
import type { Attempt, Settle } from "../domain/settle.ts";

/** One kind of open outcome. */
export interface RecoverySource {
  /** Takes leases on what is due, and tells how to settle each. */
  claim(limit: number, scope: Scope): Promise<readonly OpenOutcome[]>;
}

interface OpenOutcome {
  id: string;
  attempts: number;
  settle: (stopping: AbortSignal) => Promise<unknown>;
}

export interface RecoveryOptions {
  sources: readonly RecoverySource[];
  log: Logger;
  /** Wait between two looks when nothing is due. Unit: milliseconds. @default 500 */
  pollMs?: number;
  /** Stops it early: what is under way is finished, nothing new is begun. @default when it is disposed */
  signal?: AbortSignal;
}

/** Outcomes of one source that are worked on at the same time: less than the connections of the pool. */
const BATCH = 4;
const CLAIM_MS = 2_000;
/** From this attempt on, an outcome that stays open is somebody's to look at. */
const ALARM_ATTEMPTS = 10;

/** What is due of one kind, as the worker wants it. */
export function recoverySource<A extends Attempt, Settled>(
  book: { claimDue(limit: number, scope: Scope): Promise<A[]> },
  settle: Settle<A, Settled>,
): RecoverySource {
  return {
    claim: async (limit, scope) => {
      const claimed = await book.claimDue(limit, scope);
      return claimed.map((attempt) => ({
        id: attempt.id,
        attempts: attempt.attempts,
        settle: (stopping) => settle(attempt, { stopping }),
      }));
    },
  };
}

/**
 * Finds the outcomes that nobody waits for: of processes that were killed, of answers that never came. Any number of
 * instances may run it on one database. Disposing stops it: what it has begun is finished, what it has not sent yet is
 * given back to other instances.
 */
export function startRecovery({ sources, log, pollMs = 500, signal }: RecoveryOptions): AsyncDisposable {
  const disposed = new AbortController();
  const stopping = signal === undefined ? disposed.signal : AbortSignal.any([signal, disposed.signal]);
  const loops = sources.map((source) => run(source));

  async function run(source: RecoverySource): Promise<void> {
    while (!stopping.aborted) {
      const claimed = await claim(source);
      await Promise.all(claimed.map(settleOne));
      if (claimed.length < BATCH) await sleep(pollMs, undefined, { signal: stopping }).catch(ignoreAbort);
    }
  }

  /** A database that is away is no reason to stop looking. */
  async function claim(source: RecoverySource): Promise<readonly OpenOutcome[]> {
    try {
      return await source.claim(BATCH, { deadline: Date.now() + CLAIM_MS, signal: stopping });
    } catch (err) {
      if (!stopping.aborted) log.warn({ err }, "cannot look for open outcomes");
      return [];
    }
  }

  /** What cannot be recorded stays leased, and is due again when the lease ends. */
  async function settleOne({ id, attempts, settle }: OpenOutcome): Promise<void> {
    if (attempts >= ALARM_ATTEMPTS) log.error({ id, attempts }, "outcome still unknown");
    try {
      await settle(stopping);
    } catch (err) {
      log.error({ err, id }, "cannot settle an open outcome");
    }
  }

  return {
    async [Symbol.asyncDispose]() {
      disposed.abort(new DOMException("stopping", "AbortError"));
      await Promise.all(loops);
    },
  };
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === "AbortError")) throw error;
}
