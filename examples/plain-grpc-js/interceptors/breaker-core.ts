// SPDX-License-Identifier: MIT
/**
 * Copy:    breaker-core.ts
 * Place:   beside client/ and server/; client/breaker.ts imports it.
 * Does:    keeps the circuits of a process: counts how calls end, opens, lets probes through, closes; on plain data and
 *          with time and chance as arguments.
 * Doesn't: know grpc-js' calls; share its state: each process finds out for itself.
 * With:    context.ts
 * Source:  resilience4j and Polly for the defaults.
 */
import { type Clock, harmless, systemClock } from "./context.ts";

/** The numbers of a breaker, with what holds when nothing else is given. */
export const BREAKER_DEFAULTS = {
  /** Share of failures in the window from which a circuit opens: above 0, at most 1. */
  failureRate: 0.5,
  /** Share of slow calls in the window from which a circuit opens: above 0, at most 1. */
  slowRate: 0.5,
  /** A call that takes longer is slow. Infinity: none is. A response stream never is. */
  slowCallMs: Infinity,
  /** With fewer calls in the window the rates open no circuit. */
  minCalls: 20,
  /** So many failures without a success open it too: by rate alone, ten good seconds hide a dead target for five. */
  failuresInARow: 20,
  /** How long a result counts, in ten buckets. */
  windowMs: 10_000,
  /** How long a circuit stays open the first time, at most `maxOpenMs`. Doubles with each failed probe; ±20 % by chance. */
  openMs: 5_000,
  /** Longest that it stays open, before the ±20 %. */
  maxOpenMs: 30_000,
  /** Calls let through at once to see whether the target is back. All must succeed. */
  probes: 3,
  /** A response stream that is open for longer is a success from its first message on. */
  longStreamMs: 30_000,
  /** DEADLINE_EXCEEDED of a call that had less than this to begin with says nothing of the server. */
  minBudgetMs: 10,
  /** Circuits kept over all targets; the least recently used goes first. */
  maxCircuits: 1_000,
  /** A circuit without a call for so long is forgotten. */
  idleMs: 600_000,
};

/** Of calls and circuits there are no fractions. */
const COUNTS = new Set(["minCalls", "failuresInARow", "probes", "maxCircuits"]);
const NAMES = new Set([...Object.keys(BREAKER_DEFAULTS), "countResourceExhausted", "observe"]);
type Limits = typeof BREAKER_DEFAULTS;

export interface BreakersOptions extends Partial<Limits> {
  /** Whether a server's RESOURCE_EXHAUSTED is a failure; where it only ever means a quota it is not. @default true */
  countResourceExhausted?: boolean;
  /** Hears of every change and every refusal, inside the call. */
  observe?: ((event: BreakerEvent) => void) | undefined;
}

type State = "closed" | "open" | "half_open";
type Totals = { calls: number; failures: number; slow: number };

/** A circuit as it stands. */
export interface CircuitView extends Totals {
  target: string;
  /** Undefined for the target as a whole. */
  method: string | undefined;
  state: State | "isolated";
  /** Until calls are let through. Infinity: not known. */
  waitMs: number;
}

/** "changed" to the state that it now has, or "rejected" a call. */
export type BreakerEvent = CircuitView & { kind: "changed" | "rejected" };

export type Verdict = "success" | "failure" | "ignored";

const BUCKETS = 10;

/** Counts what happened in the last `windowMs`. Time alone empties it: no call is needed for that. */
export class RollingWindow {
  readonly #bucketMs: number;
  /** Oldest first; what is too old goes when a bucket is added, and does not count before that. */
  #buckets: (Totals & { epoch: number })[] = [];

  constructor(windowMs: number) {
    this.#bucketMs = windowMs / BUCKETS;
  }

  add(now: number, failed: boolean, slow: boolean): void {
    const epoch = Math.floor(now / this.#bucketMs);
    let bucket = this.#buckets.at(-1);
    if (bucket === undefined || bucket.epoch < epoch) {
      bucket = { epoch, calls: 0, failures: 0, slow: 0 };
      this.#buckets = [...this.#buckets.filter((each) => each.epoch > epoch - BUCKETS), bucket];
    }
    bucket.calls += 1;
    bucket.failures += Number(failed);
    bucket.slow += Number(slow);
  }

  totals(now: number): Totals {
    const sum = { calls: 0, failures: 0, slow: 0 };
    for (const { epoch, calls, failures, slow } of this.#buckets) {
      if (epoch <= Math.floor(now / this.#bucketMs) - BUCKETS) continue;
      sum.calls += calls;
      sum.failures += failures;
      sum.slow += slow;
    }
    return sum;
  }
}

export type Env = { clock?: Clock; random?: () => number };
type Rules = Limits & BreakersOptions & { random: () => number };

/** One circuit. Each change begins a generation: the end of a call that started in an earlier one changes nothing. */
export class Circuit {
  state: State = "closed";
  /** Refuses everything until somebody sets it back. */
  isolated = false;
  generation = 0;
  usedAt = 0;
  /** Counts all uses of all circuits: time alone does not tell which of two was used last. */
  use = 0;
  readonly #name: Pick<CircuitView, "target" | "method">;
  readonly #rules: Rules;
  #window: RollingWindow;
  #failuresInARow = 0;
  #openUntil = 0;
  /** How often it has opened since it was last closed. */
  #openings = 0;
  #probes = { started: 0, succeeded: 0, lastAt: 0 };

  constructor(name: Pick<CircuitView, "target" | "method">, rules: Rules) {
    this.#name = name;
    this.#rules = rules;
    this.#window = new RollingWindow(rules.windowMs);
  }

  view(now: number): CircuitView {
    const state = this.isolated ? "isolated" : this.state;
    return { ...this.#name, state, waitMs: this.waitMs(now), ...this.#window.totals(now) };
  }

  /** Milliseconds until a call may start. Infinity: not known. While probes are out, whose end is not known either, 1 s. */
  waitMs(now: number): number {
    if (this.isolated) return Infinity;
    if (this.state === "closed") return 0;
    if (this.state === "open") return Math.max(0, this.#openUntil - now);
    // Probes that never end must not keep it shut for ever.
    const lost = now - this.#probes.lastAt >= this.#rules.maxOpenMs;
    return this.#probes.started < this.#rules.probes || lost ? 0 : 1_000;
  }

  /** Takes in a call that need not wait. The generation that it returns belongs to the call's end. */
  start(now: number): number {
    if (this.state === "closed") return this.generation;
    if (this.state === "open" || this.#probes.started >= this.#rules.probes) this.#become("half_open", now);
    this.#probes.started += 1;
    this.#probes.lastAt = now;
    return this.generation;
  }

  end(now: number, generation: number, verdict: Verdict, slow: boolean): void {
    if (generation !== this.generation) return;
    const failed = verdict === "failure";
    if (this.state === "half_open") {
      if (verdict === "ignored") this.#probes.started -= 1;
      else if (failed || slow) this.#become("open", now);
      else if (++this.#probes.succeeded >= this.#rules.probes) this.#become("closed", now);
    } else if (verdict !== "ignored") {
      this.#window.add(now, failed, slow);
      this.#failuresInARow = failed ? this.#failuresInARow + 1 : 0;
      if (this.#isTooMuch(this.#window.totals(now))) this.#become("open", now);
    }
  }

  /** Counts from nothing again. */
  clear(): void {
    this.#window = new RollingWindow(this.#rules.windowMs);
    this.#failuresInARow = 0;
  }

  #isTooMuch({ calls, failures, slow }: Totals): boolean {
    const { minCalls, failureRate, slowRate, failuresInARow } = this.#rules;
    // With as many calls in the window, all failures of the row are in it.
    if (this.#failuresInARow >= failuresInARow && calls >= failuresInARow) return true;
    return calls >= minCalls && (failures >= failureRate * calls || slow >= slowRate * calls);
  }

  #become(state: State, now: number): void {
    const { openMs, maxOpenMs, random, observe } = this.#rules;
    this.state = state;
    this.generation += 1;
    this.#probes = { started: 0, succeeded: 0, lastAt: now };
    if (state === "open") {
      this.#openUntil = now + Math.min(maxOpenMs, openMs * 2 ** this.#openings) * (0.8 + 0.4 * random());
      this.#openings += 1;
    } else this.clear();
    if (state === "closed") this.#openings = 0;
    observe?.({ ...this.view(now), kind: "changed" });
  }
}

/** Without effect the second time. */
export type ReportEnd = (verdict: Verdict, slow: boolean) => void;

/**
 * The circuits of this process, to be shared by all its clients: one for each (target, method) and one for each target
 * over all methods; a call needs leave from both. A method that opens sets its target's counts back to nothing, so as not
 * to shut out its neighbours: a target opens when failures are spread over methods.
 */
export class Breakers {
  readonly clock: Clock;
  readonly rules: Rules;
  readonly #circuits = new Map<string, Circuit>();
  #uses = 0;

  /** @throws {RangeError | TypeError} If a number is out of its range, or an option has no effect. */
  constructor(options: BreakersOptions = {}, { clock = systemClock, random = Math.random }: Env = {}) {
    this.clock = clock;
    this.rules = { ...BREAKER_DEFAULTS, ...options, observe: harmless(options.observe), random };
    for (const name of Object.keys(BREAKER_DEFAULTS) as (keyof Limits)[]) {
      const value = this.rules[name];
      const longest = name === "openMs" ? this.rules.maxOpenMs : Infinity;
      const [min, max] = name.endsWith("Rate") ? [0.001, 1] : [name === "minBudgetMs" ? 0 : 1, longest];
      const whole = COUNTS.has(name);
      // All probes must succeed: of endlessly many they never have.
      const isWhole = Number.isInteger(value) || (value === Infinity && name !== "probes");
      if (value >= min && value <= max && (!whole || isWhole)) continue;
      const must = whole ? "a whole number, 1 or more" : `${min} to ${max}`;
      throw new RangeError(`Cannot build breaker: ${name} must be ${must}, is ${value}`);
    }
    const unknown = Object.keys(options).find((name) => !NAMES.has(name));
    if (unknown !== undefined) throw new TypeError(`Cannot build breaker: there is no option "${unknown}"`);
    if (options.slowRate === undefined || this.rules.slowCallMs < Infinity) return;
    throw new TypeError("Cannot build breaker: slowRate has no effect, slowCallMs must be finite with it");
  }

  /** Takes in a call and gives what its end is reported to, or refuses it and gives the milliseconds to wait. */
  admit(target: string, method: string): ReportEnd | number {
    const now = this.clock.now();
    const [whole, own] = [this.#circuit(target, undefined, now), this.#circuit(target, method, now)];
    const waitMs = Math.max(whole.waitMs(now), own.waitMs(now));
    if (waitMs > 0) {
      this.rules.observe?.({ ...own.view(now), waitMs, kind: "rejected" });
      return waitMs;
    }
    const [wholes, owns] = [whole.start(now), own.start(now)];
    let ended = false;
    return (verdict, slow) => {
      if (ended) return;
      ended = true;
      const then = this.clock.now();
      const counts = own.state === "closed" && own.generation === owns;
      own.end(then, owns, verdict, slow);
      if (counts && own.state === "open") whole.clear();
      // A method with a circuit that is not closed counts for its target only as the target's own probe.
      if (whole.state === "half_open" || (counts && own.state === "closed")) whole.end(then, wholes, verdict, slow);
    };
  }

  /** Every circuit that is kept, for a gauge. */
  list(): CircuitView[] {
    const now = this.clock.now();
    this.#forget(now, this.rules.maxCircuits);
    return Array.from(this.#circuits.values(), (circuit) => circuit.view(now));
  }

  /** Refuses all calls to a method, or without one to the whole target, until told `false`. */
  isolate(target: string, method?: string, isolated = true): void {
    const now = this.clock.now();
    const circuit = this.#circuit(target, method, now);
    circuit.isolated = isolated;
    this.rules.observe?.({ ...circuit.view(now), kind: "changed" });
  }

  #circuit(target: string, method: string | undefined, now: number): Circuit {
    const key = `${target} ${method ?? ""}`;
    let circuit = this.#circuits.get(key);
    if (circuit === undefined) {
      this.#forget(now, this.rules.maxCircuits - 1);
      circuit = new Circuit({ target, method }, this.rules);
      this.#circuits.set(key, circuit);
    }
    circuit.usedAt = now;
    circuit.use = ++this.#uses;
    return circuit;
  }

  /** Drops what is idle or too many, never what is isolated. A Map kept in order of use would cost every call more. */
  #forget(now: number, atMost: number): void {
    for (const [key, { isolated, usedAt }] of this.#circuits) {
      if (!isolated && now - usedAt >= this.rules.idleMs) this.#circuits.delete(key);
    }
    while (this.#circuits.size > atMost) {
      let oldest: [key: string, use: number] = ["", Infinity];
      for (const [key, { isolated, use }] of this.#circuits) {
        if (!isolated && use < oldest[1]) oldest = [key, use];
      }
      if (!this.#circuits.delete(oldest[0])) return;
    }
  }
}
