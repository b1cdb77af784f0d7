const BASE_MS = 100;
/** An order has to end within 30 s of its last fault, in up to five steps. */
const LONGEST_MS = 3_000;

/**
 * How long to wait after so many attempts without progress: 100 ms · 2^n and at most 3 s, of which the upper half is
 * chance, so that orders that failed together do not come back together. Unit: milliseconds.
 *
 * @param attempts 1 or more.
 * @param random In [0, 1).
 */
export function backoffMs(attempts: number, random: number): number {
  const longest = Math.min(LONGEST_MS, BASE_MS * 2 ** attempts);
  return Math.round(longest * (0.5 + random / 2));
}
