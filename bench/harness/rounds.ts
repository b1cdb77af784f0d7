import type { Bench, Slice } from "./bench.ts";
import type { Pair, Shape } from "./pair.ts";

/** How long a run takes. */
export interface Plan {
  rounds: number;
  /** Calls at the same time, each measured. */
  concurrencies: readonly number[];
  /** One measurement. */
  sliceMs: number;
  /** Before each measurement: a process that has waited is cold. */
  leadInMs: number;
  /**
   * Calls of each pair before the first round. Node goes on compiling for some 20,000 calls of grpc-js: before that a call costs
   * half as much again, and a process that has made more of them than another would look better for it.
   */
  warmUpCalls: number;
}

/** All that was measured of one pair with so many calls at the same time: one slice a round. */
export interface Measurement {
  pair: Pair;
  concurrency: number;
  slices: Slice[];
}

/**
 * Measures all pairs in turn, round after round, so that whatever else the machine does falls on all of them. Each pair's
 * answer is checked first.
 */
export async function measureInRounds(
  bench: Bench,
  pairs: readonly Pair[],
  shape: Shape,
  { rounds, concurrencies, sliceMs, leadInMs, warmUpCalls }: Plan,
  onProgress: (text: string) => void,
): Promise<Measurement[]> {
  const measurements = concurrencies.flatMap((concurrency) =>
    pairs.map((pair): Measurement => ({ pair, concurrency, slices: [] })),
  );
  for (const pair of pairs) {
    onProgress(`warm-up: ${pair.name}`);
    for (const concurrency of concurrencies) await bench.check(pair, shape, concurrency);
    await bench.warmUp(pair, { shape, concurrency: Math.max(...concurrencies), calls: warmUpCalls });
  }
  for (let round = 1; round <= rounds; round++) {
    for (const { pair, concurrency, slices } of measurements) {
      onProgress(`round ${round} of ${rounds}: ${pair.name}, ${concurrency} at once`);
      slices.push(await bench.slice(pair, { shape, concurrency, leadInMs, ms: sliceMs }));
    }
  }
  return measurements;
}
