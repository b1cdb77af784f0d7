// SPDX-License-Identifier: MIT
import type { Clock } from "../clock.ts";

/** Time that a test moves by hand. Starts at 1,000,000 ms, where nothing is mistaken for a duration. */
export class ManualClock implements Clock {
  #now = 1_000_000;
  #timers: { at: number; run: () => void }[] = [];

  now = (): number => this.#now;

  setTimeout = (run: () => void, ms: number) => {
    const timer = { at: this.#now + Math.max(0, ms), run };
    if (timer.at !== Infinity) this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((each) => each !== timer)) };
  };

  /** How many timers wait: a call that has ended leaves none. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves time on and runs what becomes due, in order, each at its own time; timers set on the way included. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (true) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }
}
