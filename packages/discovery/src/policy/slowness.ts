// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/slowness.ts
 * Place:   beside policy/least-loaded.ts, whose `slowness` it works out.
 * Does:    follows how long an endpoint's calls take, and says how many times slower than its peers it is.
 * Doesn't: act on less than three times as slow, nor on what chance may have done: where some calls take 5 ms and others
 *          300, two endpoints that are alike look different for seconds.
 * With:    -
 * Source:  exponentially weighted mean and variance (West, 1979), of the logarithm; Welch's test for the difference.
 */

/** A new call's weight: some twenty calls are remembered. The first ones weigh more. */
const ALPHA = 0.1;
/** No call moves the mean as if it were further away than this: a stream that was open for hours. */
const FARTHEST = Math.log(100);
/** Below this nobody is slow. Unit: milliseconds. */
const FLOOR_MS = 5;
/** Before that many calls nothing is known. */
const MIN_CALLS = 5;
const CLEARLY_SLOWER = Math.log(3);
/** That many standard errors are no chance: looked at four times a second, 1 % of the time would be far too often. */
const NO_CHANCE = 5;
const SLOWEST = 20;

/** Mean duration, as a logarithm of milliseconds, and the variance of that mean. */
export interface Estimate {
  readonly log: number;
  readonly variance: number;
}

/** Of one endpoint's calls. */
export class CallDuration {
  #log = 0;
  #spread = 0;
  #calls = 0;

  /** Undefined before the fifth call. */
  get estimate(): Estimate | undefined {
    if (this.#calls < MIN_CALLS) return undefined;
    const weight = this.#weight;
    return { log: this.#log, variance: (this.#spread * weight) / (2 - weight) };
  }

  add(durationMs: number): void {
    const log = Math.log(Math.max(FLOOR_MS, durationMs));
    if (this.#calls++ === 0) this.#log = log;
    const step = Math.max(-FARTHEST, Math.min(FARTHEST, log - this.#log));
    this.#log += this.#weight * step;
    this.#spread = (1 - this.#weight) * (this.#spread + this.#weight * step ** 2);
  }

  /** A call that was given up after that time: it can only show that calls take longer. */
  addUnfinished(afterMs: number): void {
    if (Math.log(afterMs) > this.#log) this.add(afterMs);
  }

  get #weight(): number {
    return Math.max(ALPHA, 1 / this.#calls);
  }
}

/** For each: how many times slower than the lower half of them, 1 unless it is three times at least, at most 20. */
export function slownessOf(estimates: readonly (Estimate | undefined)[]): number[] {
  const sorted = estimates.filter((each) => each !== undefined).toSorted((a, b) => a.log - b.log);
  const usual = sorted[Math.floor((sorted.length - 1) / 2)];
  return estimates.map((each) => {
    if (each === undefined || usual === undefined) return 1;
    const slower = each.log - usual.log;
    const chance = NO_CHANCE * Math.sqrt(each.variance + usual.variance);
    return slower < Math.max(CLEARLY_SLOWER, chance) ? 1 : Math.min(SLOWEST, Math.exp(slower));
  });
}
