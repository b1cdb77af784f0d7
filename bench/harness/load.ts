/** What a client saw while it made calls as fast as they were answered. */
export interface LoadResult {
  calls: number;
  elapsedMs: number;
  /** Median and 99th percentile of the time from the call to its answer. Unit: milliseconds. */
  p50Ms: number;
  p99Ms: number;
  /** User and system time of this process, all threads. Unit: microseconds. */
  cpuUs: number;
}

/**
 * Keeps `concurrency` calls going until the time is over, and waits for the last ones. A call is made when another has
 * been answered: its latency is that of a client that waits, at the highest rate that the server answers.
 *
 * @throws {Error} If one call fails: a contender that drops work is not measured.
 */
export async function load(
  call: () => Promise<unknown>,
  { concurrency, ms }: { concurrency: number; ms: number },
): Promise<LoadResult> {
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = start + ms;
  const worker = async () => {
    for (let now = start; now < end; ) {
      const calledAt = performance.now();
      await call();
      now = performance.now();
      latencies.push(now - calledAt);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const elapsedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);

  const sorted = Float64Array.from(latencies).sort();
  const percentile = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
  return { calls: sorted.length, elapsedMs, p50Ms: percentile(0.5), p99Ms: percentile(0.99), cpuUs: user + system };
}

/** Makes so many calls, `concurrency` of them at a time. */
export async function repeat(
  call: () => Promise<unknown>,
  { concurrency, calls }: { concurrency: number; calls: number },
): Promise<void> {
  let left = calls;
  const worker = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
