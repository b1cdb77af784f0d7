/** Where a call's deadline may come from. All in milliseconds since the epoch, but for `timeoutMs`. */
export interface DeadlineSources {
  now: number;
  /** The longest that this method may take. */
  timeoutMs: number;
  /** What this call asked for. */
  explicit?: number | undefined;
  /** The deadline of the call on whose behalf this one is made. */
  inherited?: number | undefined;
}

/**
 * The earliest of all sources; of an inherited deadline a margin is kept back, to answer in: 5 % of what is left, at
 * least 5 ms and at most 50 ms.
 *
 * @returns Undefined when the margin is all that is left: there is no time to call anybody.
 */
export function inheritDeadline({
  now,
  timeoutMs,
  explicit = Infinity,
  inherited,
}: DeadlineSources): number | undefined {
  const own = Math.min(now + timeoutMs, explicit);
  if (inherited === undefined) return own > now ? own : undefined;
  const remaining = inherited - now;
  const margin = Math.min(50, Math.max(5, remaining * 0.05));
  const deadline = Math.min(own, inherited - margin);
  return deadline > now ? deadline : undefined;
}
