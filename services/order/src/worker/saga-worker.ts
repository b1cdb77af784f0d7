import type { Scope } from "../domain/scope.ts";
import type { Claim } from "../domain/saga/job.ts";
import { runOrder, type RunOrderOptions } from "./run-order.ts";

/** Longest time for a claim. Unit: milliseconds. */
const CLAIM_MS = 5_000;

export interface SagaWorkerOptions extends Omit<RunOrderOptions, "stopping" | "giveUp"> {
  /** Orders at the same time. */
  concurrency: number;
  /** Looks for work this often even if nobody told of any. Unit: milliseconds. @default 500 */
  pollMs?: number;
  /** News of work; for this worker alone. */
  news: { next(signal: AbortSignal, maxWaitMs: number): Promise<unknown> };
}

/** A worker that is running. */
export interface SagaWorker {
  /**
   * Claims nothing more, finishes the calls under way, and gives the leases back. After `graceMs` it waits for no call any
   * longer.
   */
  stop(options: { graceMs: number }): Promise<void>;
}

/** Moves all orders on, whoever accepted them. Any number of workers may run on one database. */
export function startSagaWorker(options: SagaWorkerOptions): SagaWorker {
  const { orders, concurrency, pollMs = 500, news, log, now } = options;
  const stopping = new AbortController();
  const giveUp = new AbortController();
  const inHand = new Set<Promise<void>>();

  /** A database that is away is no reason to stop looking. */
  async function claim(room: number): Promise<readonly Claim[]> {
    try {
      const scope: Scope = { deadline: now() + CLAIM_MS, signal: stopping.signal };
      return await orders.claim(room, scope);
    } catch (err) {
      if (!stopping.signal.aborted) log.warn({ err }, "cannot look for orders");
      return [];
    }
  }

  /** An order that cannot be recorded stays leased, and is due again when the lease ends: nothing is lost. */
  async function take(claim: Claim): Promise<void> {
    try {
      await runOrder(claim, { ...options, stopping: stopping.signal, giveUp: giveUp.signal });
    } catch (err) {
      log.error({ err, orderId: claim.orderId }, "cannot move the order on");
    }
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const room = concurrency - inHand.size;
      const claims = await claim(room);
      for (const it of claims) {
        const running = take(it).finally(() => inHand.delete(running));
        inHand.add(running);
      }
      if (claims.length === room) await Promise.race(inHand);
      else await news.next(stopping.signal, pollMs).catch(ignoreStop);
    }
  }

  function ignoreStop(error: unknown): void {
    if (!stopping.signal.aborted) throw error;
  }

  const looping = loop();
  return {
    async stop({ graceMs }) {
      stopping.abort(new DOMException("The worker stops", "AbortError"));
      const timer = setTimeout(() => giveUp.abort(new DOMException("The worker stops", "AbortError")), graceMs);
      await looping;
      await Promise.all(inHand);
      clearTimeout(timer);
    },
  };
}
