// SPDX-License-Identifier: MIT
/**
 * Copy:    concurrency-core.ts
 * Place:   beside client/ and server/; client/concurrency-limit.ts imports it.
 * Does:    finds a limit from how attempts end, hands out permits by priority, keeps a bounded line; on plain data.
 * Doesn't: know calls, clocks or timers.
 * With:    context.ts
 * Source:  Netflix' concurrency-limits (Gradient2, AIMD, partitions); Facebook's adaptive LIFO.
 */
import type { Priority } from "./context.ts";

/** What one attempt says of its target. Times in milliseconds. */
export interface Sample {
  startedAt: number;
  now: number;
  /** Attempts in flight when it started, itself included. */
  inFlight: number;
  /** Turned away or too slow, rather than answered. */
  dropped: boolean;
}

/** How many attempts may be in flight. */
export interface Limit {
  readonly current: number;
  add(sample: Sample): void;
}

export interface AdaptiveOptions {
  /** Never lower than this. @default 20 */
  min?: number;
  /** Never higher than this. @default 200 */
  max?: number;
}

/** What adaptive limits share: the bounds, and one step down per round of drops. */
abstract class AdaptiveLimit implements Limit {
  readonly #min: number;
  readonly #max: number;
  #exact: number;
  #loweredAt = -Infinity;

  constructor({ min = 20, max = 200 }: AdaptiveOptions = {}) {
    whole("min", min, 1, 1_000_000);
    whole("max", max, min, 1_000_000);
    this.#min = min;
    this.#max = max;
    this.#exact = min;
  }

  get current(): number {
    return Math.floor(this.#exact);
  }

  add(sample: Sample): void {
    const { startedAt, now, inFlight, dropped } = sample;
    if (!dropped) {
      const next = this.next(this.#exact, Math.max(1, now - startedAt));
      // Calls that do not use the limit cannot show that a higher one would do.
      if (inFlight >= this.#exact / 2) this.#set(next);
    } else if (startedAt >= this.#loweredAt) {
      // What was in flight together is dropped together: that is one sign, not many.
      this.#loweredAt = now;
      this.#set(this.#exact * 0.9);
    }
  }

  /** What the limit should be after an answer that took `rttMs`. */
  protected abstract next(limit: number, rttMs: number): number;

  #set(limit: number): void {
    this.#exact = Math.min(this.#max, Math.max(this.#min, limit));
  }
}

/** One more for each answer, a tenth less for a drop. */
export class AimdLimit extends AdaptiveLimit {
  protected next(limit: number): number {
    return limit + 1;
  }
}

/** Compares each answer's time with the average of the last 600, and leaves room for a queue of √limit. */
export class Gradient2Limit extends AdaptiveLimit {
  #count = 0;
  #longMs = 0;

  protected next(limit: number, rttMs: number): number {
    this.#count += 1;
    // A plain average of the first ten, then an exponential one.
    const weight = this.#count <= 10 ? 1 / this.#count : 2 / (600 + 1);
    this.#longMs += (rttMs - this.#longMs) * weight;
    // After a slow time the average must come down faster than it would by itself.
    if (this.#longMs / rttMs > 2) this.#longMs *= 0.95;
    const gradient = Math.min(1, Math.max(0.5, (1.5 * this.#longMs) / rttMs));
    return limit * 0.8 + (limit * gradient + Math.sqrt(limit)) * 0.2;
  }
}

/** The most important first. */
export const PRIORITIES: readonly Priority[] = ["critical", "default", "sheddable"];
export type Shares = Partial<Record<Priority, number>>;

/** Who holds how many permits. A share of the limit that a priority does not use is kept free for it. */
export class Permits {
  readonly limit: Limit;
  inFlight = 0;
  readonly #shares: Shares;
  readonly #held: Record<Priority, number> = { critical: 0, default: 0, sheddable: 0 };

  constructor(limit: Limit, shares: Shares) {
    this.limit = limit;
    this.#shares = shares;
  }

  take(priority: Priority): boolean {
    let free = this.limit.current - this.inFlight;
    for (const other of PRIORITIES) {
      const guaranteed = Math.floor(this.limit.current * (this.#shares[other] ?? 0));
      if (other !== priority) free -= Math.max(0, guaranteed - this.#held[other]);
    }
    if (free < 1) return false;
    this.inFlight += 1;
    this.#held[priority] += 1;
    return true;
  }

  give(priority: Priority): void {
    this.inFlight -= 1;
    this.#held[priority] -= 1;
  }
}

/** Who waits. In turn; but the newest first while more than half full: the oldest have the least time left. */
export class WaitingLine<T extends { readonly priority: Priority }> {
  readonly #capacity: number;
  /** Oldest first. */
  #waiting: T[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Returns who has to go for it, if it is full: the oldest of the least important, which may be the new one itself. */
  add(entry: T): T | undefined {
    const full = this.#waiting.length >= this.#capacity;
    this.#waiting.push(entry);
    const [out] = this.#byPriority(PRIORITIES.toReversed(), this.#waiting);
    if (!full || out === undefined) return undefined;
    this.remove(out);
    return out;
  }

  /** Takes out the first, by priority, for whom there is a permit. */
  next(hasPermit: (priority: Priority) => boolean): T | undefined {
    if (this.#waiting.length === 0) return undefined;
    const newestFirst = this.#waiting.length > this.#capacity / 2;
    const inTurn = this.#byPriority(PRIORITIES, newestFirst ? this.#waiting.toReversed() : this.#waiting);
    const entry = inTurn.find(({ priority }) => hasPermit(priority));
    if (entry !== undefined) this.remove(entry);
    return entry;
  }

  remove(entry: T): void {
    this.#waiting = this.#waiting.filter((each) => each !== entry);
  }

  #byPriority(priorities: readonly Priority[], entries: readonly T[]): T[] {
    return priorities.flatMap((priority) => entries.filter((each) => each.priority === priority));
  }
}

/** Each share is of something, and all together leave something to the others. @throws {RangeError} If they do not. */
export function useful(shares: Shares, limit: number): void {
  const given = PRIORITIES.map((priority) => ({ priority, share: shares[priority] ?? 0 }));
  const none = given.find(({ share }) => share > 0 && share * limit < 1);
  if (none !== undefined) {
    const text = `a share of ${none.share} has no effect, it must be 1 or more of the ${limit}`;
    throw new RangeError(`Cannot build concurrency limit: ${text}`);
  }
  const sum = given.reduce((total, { share }) => total + share, 0);
  const out = given.find(({ share }) => share === 0)?.priority;
  if (out === undefined || Number(sum.toFixed(9)) < 1) return;
  throw new RangeError(`Cannot build concurrency limit: shares must leave something to "${out}", are all of the limit`);
}

/** What is given has these names only. @throws {TypeError} If it has another. */
export function only(given: object, names: readonly string[], kind = "option"): void {
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`Cannot build concurrency limit: there is no ${kind} "${unknown}"`);
}

/** Returns the value, which may have no fraction. @throws {RangeError} If it has one, or is out of its range. */
export function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`Cannot build concurrency limit: ${name} must be a whole number, ${min} to ${max}, is ${value}`);
}

/** Returns the value. @throws {RangeError} If it is out of its range. */
export function within(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw new RangeError(`Cannot build concurrency limit: ${name} must be ${min} to ${max}, is ${value}`);
}
