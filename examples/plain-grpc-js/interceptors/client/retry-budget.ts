// SPDX-License-Identifier: MIT
/**
 * Copy:    client/retry-budget.ts
 * Place:   not in the chain: what retry and hedging of one target draw on, one per target and process.
 * Does:    lets extra attempts be a share of the calls (and a few per second at any load), and stops them all while the
 *          target mostly fails.
 * Doesn't: know calls or codes; retry.ts and hedging.ts tell it what happened.
 * With:    context.ts
 * Source:  Finagle's RetryBudget (deposits, time to live, reserve); gRFC A6 "Throttling Retry Attempts and Hedged RPCs".
 */
import { type Clock, systemClock } from "../context.ts";

/** What an interceptor that makes extra attempts asks of a budget. */
export interface AttemptBudget {
  /** Once per call, at its first attempt. */
  deposit(): void;
  /**
   * Takes the token of one extra attempt. False: there is none, and nothing is taken.
   * `previousAttempts`: of the incoming call on whose behalf this is done; a repeated one has half of the budget.
   */
  withdraw(previousAttempts: number): boolean;
  /** An attempt ended with OK. */
  recordSuccess(): void;
  /** An attempt ended with a code that is worth another one, or with the server's wish for none. */
  recordFailure(): void;
}

export interface RetryBudgetOptions {
  /** Extra attempts per first attempt, (0, 1]. @default 0.2 */
  ratio?: number;
  /** How long a deposit can be spent, and a withdrawal is held against it. Unit: milliseconds. @default 10_000 */
  ttlMs?: number;
  /** Extra attempts per second that need no deposit, for targets with few calls. @default 10 */
  reservePerSecond?: number;
  /** Where the throttle stands at first and at most: a failure takes 1, and below half of it nothing is retried. @default 10 */
  maxTokens?: number;
  /** What a success puts back into the throttle, (0, 1], counted in thousandths. @default 0.1 */
  tokenRatio?: number;
}

/** How finely deposits expire: in tenths of their time to live. */
const SLICES = 10;

/** Safe to share among all clients of a target; state is a few numbers. */
export class RetryBudget implements AttemptBudget {
  readonly #ratio: number;
  readonly #reserve: number;
  readonly #sliceMs: number;
  readonly #clock: Clock;
  readonly #deposits = Array.from({ length: SLICES }, () => 0);
  readonly #withdrawals = Array.from({ length: SLICES }, () => 0);
  #slice: number;
  // In thousandths, so that a hundred successes of 0.1 are exactly ten.
  readonly #throttleMax: number;
  readonly #throttleStep: number;
  #throttle: number;

  constructor(options: RetryBudgetOptions = {}, { clock = systemClock }: { clock?: Clock } = {}) {
    const { ratio = 0.2, ttlMs = 10_000, reservePerSecond = 10, maxTokens = 10, tokenRatio = 0.1 } = options;
    within("ratio", ratio, 0.001, 1);
    within("ttlMs", ttlMs, 1_000, 60_000);
    within("reservePerSecond", reservePerSecond, 0, 1_000);
    within("maxTokens", maxTokens, 1, 1_000);
    within("tokenRatio", tokenRatio, 0.001, 1);
    this.#ratio = ratio;
    this.#reserve = (reservePerSecond * ttlMs) / 1_000;
    this.#sliceMs = ttlMs / SLICES;
    this.#clock = clock;
    this.#slice = Math.floor(clock.now() / this.#sliceMs);
    this.#throttleMax = this.#throttle = maxTokens * 1_000;
    this.#throttleStep = Math.round(tokenRatio * 1_000);
  }

  /** How many extra attempts could be made now, one after the other; for reports. */
  get balance(): number {
    return this.#throttle > this.#throttleMax / 2 ? Math.max(0, Math.floor(this.#left(1))) : 0;
  }

  deposit(): void {
    this.#expire();
    this.#add(this.#deposits);
  }

  withdraw(previousAttempts: number): boolean {
    // A call that is itself a repetition may use the first half of everything: of the window, and of the throttle's
    // way from full down to its threshold.
    const share = previousAttempts > 0 ? 0.5 : 1;
    if (this.#throttle <= this.#throttleMax * (1 - share / 2)) return false;
    if (this.#left(share) < 1) return false;
    this.#add(this.#withdrawals);
    return true;
  }

  recordSuccess(): void {
    this.#throttle = Math.min(this.#throttleMax, this.#throttle + this.#throttleStep);
  }

  recordFailure(): void {
    this.#throttle = Math.max(0, this.#throttle - 1_000);
  }

  #left(share: number): number {
    this.#expire();
    // The tiny addition is for products such as 0.29 * 100, which come out just below the whole number.
    return (this.#reserve + this.#ratio * sum(this.#deposits)) * share - sum(this.#withdrawals) + 1e-9;
  }

  #add(to: number[]): void {
    const at = this.#slice % SLICES;
    to[at] = (to[at] ?? 0) + 1;
  }

  #expire(): void {
    const now = Math.floor(this.#clock.now() / this.#sliceMs);
    // A clock that was set back expires nothing until it has caught up.
    for (let slice = Math.max(this.#slice + 1, now - SLICES + 1); slice <= now; slice++) {
      this.#deposits[slice % SLICES] = 0;
      this.#withdrawals[slice % SLICES] = 0;
    }
    this.#slice = Math.max(this.#slice, now);
  }
}

/** More targets than one process calls; the one that was unused longest makes room. */
const MAX_TARGETS = 1_000;
const shared = new Map<string, { budget: RetryBudget; options: string }>();

/**
 * The budget of a target: the same one for every client of this process.
 * @throws {Error} If the target's budget exists with other options: these would have no effect.
 */
export function sharedBudget(target: string, options?: RetryBudgetOptions, env: { clock?: Clock } = {}): RetryBudget {
  const known = shared.get(target);
  const wanted =
    Object.entries(options ?? {})
      .map((option) => option.join("="))
      .toSorted()
      .join(", ") || "the defaults";
  if (known && options && known.options !== wanted) {
    throw new Error(`Cannot share the retry budget of "${target}": it has ${known.options}, not ${wanted}`);
  }
  const entry = known ?? { budget: new RetryBudget(options, env), options: wanted };
  shared.delete(target);
  shared.set(target, entry);
  for (const oldest of shared.keys()) {
    if (shared.size <= MAX_TARGETS) break;
    shared.delete(oldest);
  }
  return entry.budget;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function within(name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return;
  throw new RangeError(`Cannot build a retry budget: ${name} must be ${min} to ${max}, is ${value}`);
}
