// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/least-loaded.ts
 * Place:   the core of policy/holdfast-policy.ts' picker.
 * Does:    takes the less loaded of two candidates drawn at random: calls in flight by weight; at equal load, the one that
 *          has waited longer, so that shares are even when there is little to do. A cold or slow one weighs its calls more.
 * Doesn't: know connections, health or failures: policy/eligible.ts says who is a candidate.
 * With:    -
 * Source:  Mitzenmacher, "The Power of Two Choices" (2001); start-time fair queueing (Goyal, 1996) for the turns.
 */

/** What a choice goes by. One object per endpoint, for as long as it is known. */
export interface Load {
  /** `ip:port` of its connection. */
  address: string;
  /** Calls that have a stream and no status yet. */
  inFlight: number;
  /** Calls given to it whose stream is not open yet: a burst is picked before the first of it starts. */
  reserved: number;
  /** Share that the name service wants it to have, 1 in the mean. */
  weight: number;
  /** When its connection came up. Unit: milliseconds of the clock that `pick` is given. */
  warmSince: number;
  /** How many times slower than the others its calls are; 1 unless that is clear. */
  slowness: number;
  /** The turn after which it would be due again: kept by the choice. */
  turn: number;
}

/** A cold endpoint starts with this much of its weight: enough to be used, little enough to be spared a rush. */
const COLDEST = 0.1;

/** S7: the weight's share at an age: 0.1 at first, then in ten steps (so that equals stay equal) to 1. */
export function warmth(ageMs: number, slowStartMs: number): number {
  if (ageMs >= slowStartMs) return 1;
  return Math.max(COLDEST, Math.floor((10 * ageMs) / slowStartMs) / 10);
}

export interface PickOptions {
  /** @default 10_000 */
  slowStartMs?: number;
  /** In [0, 1). @default Math.random */
  random?: () => number;
}

export class LeastLoaded<T extends Load> {
  readonly #slowStartMs: number;
  readonly #random: () => number;
  #candidates: readonly T[] = [];
  #others: readonly T[] = [];
  /** Undefined while all weigh the same. */
  #weights: { readonly total: number } | undefined;
  /** The turn of the last choice. */
  #turn = 0;

  constructor({ slowStartMs = 10_000, random = Math.random }: PickOptions = {}) {
    this.#slowStartMs = slowStartMs;
    this.#random = random;
  }

  /** `others` are used only by a call that must avoid every candidate. */
  setCandidates(candidates: readonly T[], others: readonly T[] = []): void {
    this.#candidates = candidates;
    this.#others = others;
    const even = candidates.every(({ weight }) => weight === candidates[0]?.weight);
    this.#weights = even ? undefined : { total: candidates.reduce((sum, { weight }) => sum + weight, 0) };
  }

  /** Undefined when there is no candidate. `avoid`: addresses, with commas between, not to use while there is another. */
  pick(now: number, avoid?: string): T | undefined {
    const chosen = (avoid ? this.#avoiding(avoid.split(","), now) : undefined) ?? this.#oneOfTwo(now);
    if (chosen !== undefined) this.took(chosen);
    return chosen;
  }

  /** Whether `pick` would choose one that is not among the addresses if told to avoid them. */
  hasOther(avoid: ReadonlySet<string>): boolean {
    return [this.#candidates, this.#others].some((group) => group.some(({ address }) => !avoid.has(address)));
  }

  /** Counts a call that another rule gave to an endpoint. */
  took(chosen: T): void {
    chosen.reserved++;
    this.#turn = Math.max(this.#turn, chosen.turn);
    // From now and not from its last turn: one that was out of use has nothing to catch up on.
    chosen.turn = this.#turn + 1 / chosen.weight;
  }

  #oneOfTwo(now: number): T | undefined {
    const candidates = this.#candidates;
    if (candidates.length < 2) return candidates[0];
    const first = this.#draw(undefined);
    const second = this.#draw(first);
    return this.#isBetter(second, first, now) ? second : first;
  }

  /** One at random, by weight, other than the one given. */
  #draw(except: T | undefined): T {
    const candidates = this.#candidates;
    let last = candidates[0] as T;
    if (this.#weights === undefined) {
      const skip = except === undefined ? candidates.length : candidates.indexOf(except);
      const rest = except === undefined ? candidates.length : candidates.length - 1;
      const at = Math.floor(this.#random() * rest);
      return candidates[at < skip ? at : at + 1] ?? last;
    }
    let left = this.#random() * (this.#weights.total - (except?.weight ?? 0));
    for (const candidate of candidates) {
      if (candidate === except) continue;
      last = candidate;
      left -= candidate.weight;
      if (left < 0) break;
    }
    return last;
  }

  /** The least loaded of all that are left: rare enough (retries and hedges) to look at every one. */
  #avoiding(avoid: readonly string[], now: number): T | undefined {
    for (const group of [this.#candidates, this.#others]) {
      let best: T | undefined;
      for (const each of group) {
        if (!avoid.includes(each.address) && (best === undefined || this.#isBetter(each, best, now))) best = each;
      }
      if (best !== undefined) return best;
    }
    return undefined;
  }

  #isBetter(one: T, other: T, now: number): boolean {
    const difference = this.#cost(one, now) - this.#cost(other, now);
    return difference === 0 ? one.turn < other.turn : difference < 0;
  }

  #cost({ inFlight, reserved, weight, warmSince, slowness }: T, now: number): number {
    // Idle is idle: a cold or slow endpoint has its even share while nobody has to wait for it.
    return ((inFlight + reserved) * slowness) / (weight * warmth(now - warmSince, this.#slowStartMs));
  }
}
