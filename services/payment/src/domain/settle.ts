import type { Answer } from "./answer.ts";
import { backoffMs } from "./backoff.ts";
import type { Scope } from "./scope.ts";

/** A charge or refund whose outcome is open, held under a lease. */
export interface Attempt {
  readonly id: string;
  /** Grows with every lease: who holds an older one may no longer decide. */
  readonly fence: bigint;
  /** Leases so far, this one included. */
  readonly attempts: number;
  /**
   * What is known of earlier requests to the provider. `none`: the intent has just been recorded. `over`: one may have
   * been sent, so long ago that it has either had its effect or never will. `under_way`: it may still have it.
   */
  readonly earlier: "none" | "over" | "under_way";
}

/** The provider, for one kind of effect. Never throws for what happens on the way: that is an unknown outcome. */
export interface EffectProvider<A extends Attempt> {
  /** Makes the effect, under the attempt's own key. */
  send(attempt: A, scope: Scope): Promise<Answer>;
  /** Asks what happened under the attempt's key. */
  find(attempt: A, scope: Scope): Promise<Answer>;
}

/** Where attempts are recorded. */
export interface EffectBook<A extends Attempt, Settled> {
  /** Notes that a request goes out now, and renews the lease. False when the lease has gone to somebody else. */
  markSent(attempt: A, scope: Scope): Promise<boolean>;
  /** Records an answer, gives the lease back, and tells how things stand. An open outcome is due again after `delayMs`. */
  record(attempt: A, answer: Answer, delayMs: number, scope: Scope): Promise<Settled>;
}

export interface SettleDeps<A extends Attempt, Settled> {
  provider: EffectProvider<A>;
  book: EffectBook<A, Settled>;
  /** Longest time for one request to the provider. Unit: milliseconds. */
  providerTimeoutMs: number;
  now: () => number;
  random: () => number;
}

/** Who waits for the outcome, and who may end the work before anything is sent. */
export interface SettleLimits {
  /** The caller's. Milliseconds since the epoch. @default Infinity */
  deadline?: number;
  /**
   * When recording the intent began: the first request must go out within the provider's timeout from then, or not at
   * all. A process that was frozen in between would send it after others have taken over. Milliseconds since the epoch.
   * @default now
   */
  openedAt?: number;
  /** @default never */
  stopping?: AbortSignal;
}

/** Moves one attempt on: to an outcome, or to its next time. */
export type Settle<A extends Attempt, Settled> = (attempt: A, limits?: SettleLimits) => Promise<Settled>;

/** Kept back of a caller's time, to record and answer in. */
const ANSWER_MS = 100;
/** Time of its own for recording an outcome. */
const RECORD_MS = 5_000;

export function settle<A extends Attempt, Settled>(deps: SettleDeps<A, Settled>): Settle<A, Settled> {
  const { provider, book, providerTimeoutMs, now, random } = deps;

  return async (attempt, limits = {}) => {
    const { deadline = Infinity, openedAt = now(), stopping = NEVER } = limits;
    const answer = await ask();
    const delayMs = stopping.aborted ? 0 : backoffMs(attempt.attempts, random);
    // A scope of its own: what the provider did is a fact. It must be recorded even if the caller has gone away or its
    // deadline has passed, or the money would have moved and nobody would know until somebody asks again.
    return book.record(attempt, answer, delayMs, { deadline: now() + RECORD_MS, signal: NEVER });

    async function ask(): Promise<Answer> {
      if (attempt.earlier === "none") return provider.send(attempt, within(NEVER, openedAt));
      const found = await provider.find(attempt, within(stopping));
      if (found.kind !== "none") return found;
      // Found nothing while a request may be under way: sending another could take the money twice.
      if (attempt.earlier === "under_way") return { kind: "unknown", why: "a request may be under way" };
      if (stopping.aborted) return { kind: "unknown", why: "stopping" };
      const scope = within(NEVER);
      if (!(await book.markSent(attempt, scope))) return { kind: "unknown", why: "the lease was lost" };
      return provider.send(attempt, scope);
    }

    function within(signal: AbortSignal, since = now()): Scope {
      return { deadline: Math.min(since + providerTimeoutMs, deadline - ANSWER_MS), signal };
    }
  };
}

const NEVER = new AbortController().signal;
