const FIRST_MS = 200;
/** An outcome is found within seconds after the provider is back. */
const LONGEST_MS = 5_000;

/**
 * How long to wait before attempt `attempts + 1`: equal jitter, uniform in [half, whole) of 200 ms × 2^(attempts-1), at
 * most 5 s. Never 0, so that a provider that is down is not asked in a loop.
 */
export function backoffMs(attempts: number, random: () => number): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 10));
  return Math.round(whole / 2 + (random() * whole) / 2);
}
