import type { Logger } from "@holdfast/process";
import { backoffMs } from "../domain/saga/backoff.ts";
import type { Decision } from "../domain/saga/decision.ts";
import type { Claim, Job } from "../domain/saga/job.ts";
import type { Answer } from "../domain/saga/saga.ts";
import type { Scope } from "../domain/scope.ts";
import { makeCall, type Payments, type Stock } from "./make-call.ts";

/** Calls without progress after which every further one is somebody's to look at. The order is never given up. */
const ALARM_AFTER_ATTEMPTS = 10;
/** Longest time to record something. Unit: milliseconds. */
const RECORD_MS = 5_000;

/** Claimed orders. Every function but `claim` does nothing for a claim that somebody else has taken over. */
export interface SagaOrders {
  claim(limit: number, scope: Scope): Promise<readonly Claim[]>;
  /** Records that a call is about to be made, and renews the lease. */
  start(claim: Claim, scope: Scope): Promise<Job | undefined>;
  /** Records what it was answered. */
  record(
    claim: Claim,
    answer: Answer,
    pauseMs: (attempts: number) => number,
    scope: Scope,
  ): Promise<Decision | undefined>;
  giveBack(claim: Claim, scope: Scope): Promise<void>;
}

export interface RunOrderOptions {
  orders: SagaOrders;
  stock: Stock;
  payments: Payments;
  log: Logger;
  /** Longest time for one call. Unit: milliseconds. */
  stepTimeoutMs: number;
  /** Aborted: make no further call. */
  stopping: AbortSignal;
  /** Aborted: wait for no call any longer; its outcome is unknown then. */
  giveUp: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** In [0, 1). */
  random: () => number;
}

/**
 * Moves a claimed order on, one call after the other, until it is over, has to wait, or the worker stops. What is known
 * is recorded before and after every call: the process may end anywhere in here.
 */
export async function runOrder(claim: Claim, options: RunOrderOptions): Promise<void> {
  const { orders, log, stepTimeoutMs, stopping, giveUp, now, random } = options;
  const { orderId } = claim;
  // What was answered has to be recorded also while the worker stops.
  const recording = (): Scope => ({ deadline: now() + RECORD_MS, signal: new AbortController().signal });
  const pauseMs = (attempts: number) => backoffMs(Math.max(1, attempts), random());

  while (!stopping.aborted) {
    const job = await orders.start(claim, recording());
    if (job === undefined) return;
    const { step } = job.call;
    const { attempts } = job;
    if (attempts > ALARM_AFTER_ATTEMPTS) log.error({ orderId, step, attempts }, "order makes no progress");

    const answer = await makeCall(job, options, { deadline: now() + stepTimeoutMs, signal: giveUp });
    const decision = await orders.record(claim, answer, pauseMs, recording());
    log.debug({ orderId, step, attempts, answer: answer.answer, recorded: decision !== undefined }, "order step");
    if (decision === undefined) return;
    if (answer.answer.kind === "blocked") {
      log.error({ orderId, step, ...answer.answer }, "order cannot be charged: another charge is in its place");
    }
    for (const effect of decision.effects) {
      const { cancelReason } = decision.saga;
      if (effect.kind === "announce") log.info({ orderId, state: effect.state, cancelReason }, "order moved");
    }
    if (!decision.effects.some(({ kind }) => kind === "go_on")) return;
  }
  await orders.giveBack(claim, recording());
}
