import type { Clock } from "./clock.ts";

/** A clock on which every wait is over at once, and has taken its time. No chance: waits are the longest possible. */
export function jumpingClock(): Clock & { readonly slept: readonly number[] } {
  let now = 0;
  const slept: number[] = [];
  return {
    now: () => now,
    async sleep(ms, signal) {
      signal.throwIfAborted();
      slept.push(ms);
      now += ms;
    },
    random: () => 1,
    slept,
  };
}
