import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@holdfast/process";
import type { Scope } from "../domain/scope.ts";

const BATCH = 1_000;
const BATCH_MS = 5_000;

export interface PruneKeysOptions {
  /** Forgets up to `limit` old keys. @returns How many. */
  prune: (limit: number, scope: Scope) => Promise<number>;
  log: Logger;
  /** Time between two prunings. Unit: milliseconds. */
  intervalMs: number;
}

/** Forgets old idempotency keys, now and then, in batches that no caller notices. Disposing stops it. */
export function startPruningKeys({ prune, log, intervalMs }: PruneKeysOptions): AsyncDisposable {
  const stopping = new AbortController();
  const { signal } = stopping;

  async function pruneAll(): Promise<void> {
    try {
      while ((await prune(BATCH, { deadline: Date.now() + BATCH_MS, signal })) === BATCH);
    } catch (err) {
      if (!signal.aborted) log.warn({ err }, "cannot prune idempotency keys");
    }
  }

  async function loop(): Promise<void> {
    while (!signal.aborted) {
      await pruneAll();
      await sleep(intervalMs, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  const looping = loop();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort(new DOMException("stopping", "AbortError"));
      await looping;
    },
  };
}
