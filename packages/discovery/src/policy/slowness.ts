// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/slowness.ts
 * Place:   beside policy/pick.ts, whose `slowness` it works out.
 * Does:    follows the median duration of an endpoint's calls, and says how many times slower than its peers it is.
 * Doesn't: act on less than three times as slow: methods differ, and chance must not move shares.
 * With:    -
 * Source:  frugal streaming for the median (Ma, Muthukrishnan and Sandler, 2013), in steps of the logarithm.
 */

/** 21 calls from 5 ms to 500 ms. A median does not care for a few streams that are open for hours. */
const STEP = 1.25;
/** Below this nobody is slow. Unit: milliseconds. */
const FLOOR_MS = 5;
/** Before that many calls nothing is known. */
const MIN_CALLS = 5;
const CLEARLY_SLOWER = 3;
const SLOWEST = 20;

/** About the median of what it is told. */
export class MedianDuration {
  #ms = FLOOR_MS;
  #calls = 0;

  /** Undefined before the fifth call. Unit: milliseconds. */
  get ms(): number | undefined {
    return this.#calls < MIN_CALLS ? undefined : this.#ms;
  }

  add(durationMs: number): void {
    if (this.#calls++ === 0) this.#ms = Math.max(FLOOR_MS, durationMs);
    else this.#ms = durationMs > this.#ms ? this.#ms * STEP : Math.max(FLOOR_MS, this.#ms / STEP);
  }
}

/** For each median: how many times slower than the lower half of them, 1 unless it is three times at least, at most 20. */
export function slownessOf(medians: readonly (number | undefined)[]): number[] {
  const sorted = medians.filter((ms) => ms !== undefined).toSorted((a, b) => a - b);
  const usual = sorted[Math.floor((sorted.length - 1) / 2)] ?? FLOOR_MS;
  return medians.map((ms = usual) => (ms < CLEARLY_SLOWER * usual ? 1 : Math.min(SLOWEST, ms / usual)));
}
