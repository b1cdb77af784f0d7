// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/silence.ts
 * Place:   the core of what policy/endpoint.ts does on every tick while calls are in flight.
 * Does:    says when a connection with calls in flight must be probed, when to ask over another one because the probe finds
 *          no stream, when it counts as silent, and when to try a new one.
 * Doesn't: take a stall of this very process for silence, probe (policy/health-call.ts does), or hurry a stream that has
 *          nothing to say: a probe that is answered makes it more patient.
 * With:    -
 * Source:  the phi of failure detectors, reduced to one threshold and a question asked back.
 */

/**
 * Time that passes only as fast as this process keeps up. After a stall of two seconds the answers of those two seconds are
 * still unread: whoever measured by the clock would find every peer silent.
 */
export class HeardTime {
  readonly #maxStepMs: number;
  #last: number | undefined;
  #passed = 0;

  /** `maxStepMs`: what one tick may pass for at most. */
  constructor(maxStepMs: number) {
    this.#maxStepMs = maxStepMs;
  }

  get now(): number {
    return this.#passed;
  }

  tick(now: number): number {
    const step = this.#last === undefined ? 0 : now - this.#last;
    this.#last = now;
    this.#passed += Math.min(Math.max(0, step), this.#maxStepMs);
    return this.#passed;
  }

  /** No ticks come for a while. */
  pause(): void {
    this.#last = undefined;
  }
}

export interface SilenceOptions {
  /** @default 250 */
  silenceMs?: number;
  /** @default 300 */
  probeTimeoutMs?: number;
}

/** A silent connection is given this long before a new one is tried beside it. Unit: milliseconds. */
const RECONNECT_MS = 500;
/** The longest that a connection with nothing but quiet streams is left alone. Unit: milliseconds. */
const MOST_PATIENT_MS = 5_000;

/** A probe that finds no stream: how long the question may take that is asked over another connection. Unit: milliseconds. */
const ASK_TIMEOUT_MS = 1_000;
/** Each such question costs a connection: after an answer, this much longer until the next probe. Unit: milliseconds. */
const ASK_PAUSE_MS = 500;

/** What to do now. */
export type SilenceStep = "probe" | "ask" | "silent" | "reconnect" | undefined;

/** One connection. All times are {@link HeardTime}. */
export class Silence {
  readonly #options: Required<SilenceOptions>;
  silent = false;
  /** Since when a probe is out. */
  #probeSince: number | undefined;
  #quietSince = 0;
  #silentSince = 0;
  #reconnecting = false;
  /** When the probe that is out was last seen unsent. */
  #unsentAt: number | undefined;
  #patienceMs: number;

  constructor({ silenceMs = 250, probeTimeoutMs = 300 }: SilenceOptions = {}) {
    this.#options = { silenceMs, probeTimeoutMs };
    this.#patienceMs = silenceMs;
  }

  get probing(): boolean {
    return this.#probeSince !== undefined;
  }

  /** `others`: calls that were in flight before it. */
  callStarted(at: number, others: number): void {
    const { silenceMs } = this.#options;
    // A call after a long silence of streams is owed the usual time, from now on.
    if (others === 0 || this.#patienceMs > silenceMs) this.#quietSince = Math.max(this.#quietSince, at);
    this.#patienceMs = silenceMs;
  }

  /** The server has ended a call, which answers a probe that is out. True: it was silent until now. */
  callEnded(at: number): boolean {
    return this.#heard(at, this.#options.silenceMs);
  }

  /** Or what was asked over another connection. True: it was silent until now. */
  probeAnswered(at: number): boolean {
    const pauseMs = this.#unsentAt === undefined ? 0 : ASK_PAUSE_MS;
    const wasSilent = this.#heard(at, Math.min(MOST_PATIENT_MS, 2 * this.#patienceMs));
    this.#quietSince += pauseMs;
    return wasSilent;
  }

  /** The probe could not be sent. */
  probeLost(): void {
    this.#probeSince = this.#unsentAt = undefined;
  }

  /** `unsent`: the probe that is out waits for a stream, so that nobody can answer it. */
  tick(at: number, inFlight: number, unsent = false): SilenceStep {
    const { probeTimeoutMs } = this.#options;
    if (this.silent) {
      if (this.#reconnecting || at - this.#silentSince < RECONNECT_MS) return undefined;
      this.#reconnecting = true;
      return "reconnect";
    }
    if (this.#probeSince === undefined) {
      if (inFlight === 0 || at - this.#quietSince < this.#patienceMs) return undefined;
      this.#probeSince = at;
      return "probe";
    }
    const since = Math.max(this.#probeSince, this.#quietSince);
    if (unsent) {
      const asked = this.#unsentAt !== undefined;
      this.#unsentAt = at;
      if (!asked) return "ask";
      if (at - since < ASK_TIMEOUT_MS) return undefined;
    } else if (at - Math.max(since, this.#unsentAt ?? 0) < probeTimeoutMs) return undefined;
    this.silent = true;
    this.#silentSince = at;
    return "silent";
  }

  #heard(at: number, patienceMs: number): boolean {
    const wasSilent = this.silent;
    this.silent = this.#reconnecting = false;
    this.#probeSince = this.#unsentAt = undefined;
    this.#quietSince = at;
    this.#patienceMs = patienceMs;
    return wasSilent;
  }
}
