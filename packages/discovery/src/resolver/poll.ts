// SPDX-License-Identifier: MIT
/**
 * Copy:    resolver/poll.ts
 * Place:   between a source of endpoints and the channel that wants to know them; resolver/k8s-resolver.ts puts it there.
 * Does:    decides when to look (S1), keeps the last good list whatever comes (S2), and hands on changes only (S3).
 * Doesn't: know where endpoints come from.
 * With:    clock.ts, resolver/endpoint-source.ts
 * Source:  -
 */
import { type Clock, systemClock, type Timer } from "../clock.ts";
import type { EndpointSource, Resolution, ServiceEndpoint } from "./endpoint-source.ts";

export interface PollOptions {
  /** From one look to the next, ± 20 %, when the records' TTL is not shorter. Range: 100 to 3,600,000. @default 10_000 */
  intervalMs?: number;
  /**
   * Once a list is known two looks never begin closer together, whoever asks, but for the first after a rest, which begins at
   * once. Range: 10 to 60,000. @default 500
   */
  minGapMs?: number;
  /** How long after a look the channel's wish for another is granted; doubles from one to the next. @default 1_000 */
  requestGapMs?: number;
  /** Before anything is known: from the first failed look to the second; doubles up to `maxRetryMs`. @default 250 */
  retryMs?: number;
  /** Longest wait between failed looks before anything is known. @default 1_000 */
  maxRetryMs?: number;
  /** A look that takes longer is given up, and what it has found by then is used. Range: 10 to 60,000. @default 10_000 */
  giveUpMs?: number;
  /** A list that has not been confirmed for this long is called stale, and kept all the same. @default 300_000 */
  maxStaleMs?: number;
  /** Hears what every look came to. */
  observe?: ((event: ResolverEvent) => void) | undefined;
}

/** What a look came to. `at`: by the clock. */
export type ResolverEvent =
  /** `changed`: handed on. `note`: which names were asked for, and which servers. */
  | { kind: "resolved"; at: number; changed: boolean; endpoints: readonly ServiceEndpoint[]; note: string }
  /** Nothing good: the last list stays. `ageMs`: since it was confirmed; `stale`: that is more than `maxStaleMs`. */
  | { kind: "kept"; at: number; ageMs: number; stale: boolean; endpoints: readonly ServiceEndpoint[]; note: string }
  /** Nothing good, and there is no list yet. */
  | { kind: "failed"; at: number; note: string };

/** Who wants to know. */
export interface PollSink {
  /** A list other than the last: sorted, never empty. False: refused, and offered again. */
  list(endpoints: readonly ServiceEndpoint[], note: string): boolean;
  /** There is no list yet, and why. */
  failed(note: string): void;
}

export interface PollEnv {
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
}

/** A TTL of less would let a zone without caching set the pace. Unit: milliseconds. */
const SHORTEST_TTL_MS = 1_000;
/**
 * Instances may have moved during a rest: DNS that is well says so within this time, and nobody tries the old ones in vain.
 * DNS that is silent holds up the first call for no longer. Unit: milliseconds.
 */
const HEAD_START_MS = 100;
/** A source that is given up has so long to hand in what it knows: it need not ask anybody for that. Unit: milliseconds. */
const LAST_WORD_MS = 100;

export class Poll {
  readonly #source: EndpointSource;
  readonly #sink: PollSink;
  readonly #options: Required<PollOptions>;
  readonly #clock: Clock;
  readonly #random: () => number;
  #running = false;
  /** The look that is under way. */
  #look: AbortController | undefined;
  #lookBegan = -Infinity;
  #next: { at: number; timer: Timer } | undefined;
  /** Of the first look after a rest, before the old list. */
  #headStart: Timer | undefined;
  #last: { endpoints: readonly ServiceEndpoint[]; key: string; note: string; at: number } | undefined;
  /** Key of the list that the sink has. */
  #handedOn: string | undefined;
  /** Failed looks in a row. */
  #failures = 0;
  /** Undefined when all is calm; else how long after a look the next one follows, since somebody has lost a connection. */
  #followUpMs: number | undefined;
  /** Somebody has asked for a look that begins later than the one under way. */
  #again = false;

  /** @throws {RangeError} If an option is out of its range. */
  constructor(source: EndpointSource, sink: PollSink, options: PollOptions = {}, env: PollEnv = {}) {
    this.#source = source;
    this.#sink = sink;
    this.#options = checkedPollOptions(options);
    this.#clock = env.clock ?? systemClock;
    this.#random = env.random ?? Math.random;
  }

  /** The channel wants to know, or to know again: it may ask as often as it likes. The first time starts the polling. */
  request(): void {
    if (!this.#running) {
      this.#running = true;
      this.#begin();
      this.#goOn();
      return;
    }
    // DNS learns of a dead instance later than the connection does: this look is followed by others until something changes.
    this.#followUpMs ??= this.#options.requestGapMs;
    // What keeps failing is tried again at its own pace.
    if (this.#look === undefined && this.#failures === 0) this.#plan(this.#lookBegan + this.#followUpMs);
  }

  /** After a rest the channel has forgotten what it knew. A stale list has to wait until the look has come to nothing. */
  #goOn(): void {
    if (this.#last === undefined || this.#clock.now() - this.#last.at > this.#options.maxStaleMs) return;
    this.#headStart = this.#clock.setTimeout(() => {
      if (this.#handedOn === undefined) this.#handOn();
    }, HEAD_START_MS);
  }

  /** A person wants to know: as soon as `minGapMs` allows. Without effect while nothing is polled. */
  refresh(): void {
    if (!this.#running) return;
    if (this.#look !== undefined) this.#again = true;
    else this.#plan(this.#lookBegan + this.#options.minGapMs);
  }

  /** Nothing is handed on from here on, until the next request. The last good list is remembered. */
  stop(): void {
    this.#running = false;
    this.#look?.abort();
    this.#look = undefined;
    this.#next?.timer.cancel();
    this.#next = undefined;
    this.#headStart?.cancel();
    this.#handedOn = undefined;
    this.#failures = 0;
    this.#followUpMs = undefined;
    this.#again = false;
  }

  /** The next look begins then, or when it is planned already, whichever is earlier. */
  #plan(at: number): void {
    const soonest = this.#last === undefined ? at : Math.max(at, this.#lookBegan + this.#options.minGapMs);
    if (this.#next !== undefined && this.#next.at <= soonest) return;
    this.#next?.timer.cancel();
    const timer = this.#clock.setTimeout(() => this.#begin(), soonest - this.#clock.now());
    this.#next = { at: soonest, timer };
  }

  #begin(): void {
    this.#next = undefined;
    this.#lookBegan = this.#clock.now();
    const look = new AbortController();
    this.#look = look;
    const { giveUpMs } = this.#options;
    const end = (resolution: Resolution): void => {
      giveUp.cancel();
      if (this.#look !== look) return;
      this.#look = undefined;
      this.#finish(resolution);
    };
    let giveUp = this.#clock.setTimeout(() => {
      const nothing = { kind: "failure", note: `no answer within ${giveUpMs} ms` } as const;
      giveUp = this.#clock.setTimeout(() => end(nothing), LAST_WORD_MS);
      look.abort();
    }, giveUpMs);
    this.#source.resolve(look.signal).then(end, (error: unknown) => end({ kind: "failure", note: String(error) }));
  }

  #finish(resolution: Resolution): void {
    const waitMs = resolution.kind === "endpoints" ? this.#good(resolution) : this.#bad(resolution.note);
    // Whoever was told may have stopped this.
    if (!this.#running) return;
    this.#plan(this.#clock.now() + waitMs * (0.8 + 0.4 * this.#random()));
    if (this.#followUpMs !== undefined) {
      if (this.#failures === 0) this.#plan(this.#lookBegan + this.#followUpMs);
      const grown = 2 * this.#followUpMs;
      this.#followUpMs = grown < this.#options.intervalMs ? grown : undefined;
    }
    if (this.#again) this.#plan(this.#clock.now());
    this.#again = false;
  }

  /** @returns How long the list is good for. */
  #good({ endpoints: found, ttlMs, note }: Resolution & { kind: "endpoints" }): number {
    const at = this.#clock.now();
    const { endpoints, key } = canonical(found);
    const changed = key !== this.#handedOn;
    this.#last = { endpoints, key, note, at };
    this.#options.observe?.({ kind: "resolved", at, changed, endpoints, note });
    if (changed) {
      this.#followUpMs = undefined;
      if (!this.#handOn()) return this.#retryMs();
    }
    this.#failures = 0;
    return Math.min(this.#options.intervalMs, Math.max(ttlMs, SHORTEST_TTL_MS));
  }

  /** @returns How long to wait for better. */
  #bad(note: string): number {
    const at = this.#clock.now();
    if (this.#last === undefined) {
      this.#options.observe?.({ kind: "failed", at, note });
      this.#sink.failed(note);
    } else {
      const { endpoints } = this.#last;
      const ageMs = at - this.#last.at;
      const stale = ageMs > this.#options.maxStaleMs;
      this.#options.observe?.({ kind: "kept", at, ageMs, stale, endpoints, note });
      // After a rest: the list is stale, or the look has taken less than its head start.
      if (this.#handedOn === undefined) this.#handOn();
    }
    return this.#retryMs();
  }

  #handOn(): boolean {
    if (this.#last === undefined) return false;
    const { endpoints, key, note } = this.#last;
    // Before the sink hears of it: it may call stop().
    this.#handedOn = key;
    const accepted = this.#sink.list(endpoints, note);
    if (!accepted) this.#handedOn = undefined;
    return accepted;
  }

  #retryMs(): number {
    const { retryMs, maxRetryMs, requestGapMs, intervalMs } = this.#options;
    const [first, longest] = this.#last === undefined ? [retryMs, maxRetryMs] : [requestGapMs, intervalMs];
    return Math.min(longest, first * 2 ** Math.min(this.#failures++, 20));
  }
}

/** The same set is the same list, in whatever order the records came, and however often. */
function canonical(found: readonly ServiceEndpoint[]): { endpoints: readonly ServiceEndpoint[]; key: string } {
  const byKey = new Map<string, ServiceEndpoint>();
  for (const { addresses, weight } of found) {
    // Families keep their order, which is the order that connections are tried in.
    const sorted = addresses.toSorted((a, b) => Number(isV6(a)) - Number(isV6(b)) || compare(textOf(a), textOf(b)));
    const key = sorted.map(textOf).join(",");
    byKey.set(key, { addresses: sorted, weight: Math.max(weight, byKey.get(key)?.weight ?? 0) });
  }
  const entries = [...byKey].toSorted(([a], [b]) => compare(a, b));
  return {
    endpoints: entries.map(([, endpoint]) => endpoint),
    key: entries.map(([key, { weight }]) => `${key}*${weight}`).join(";"),
  };
}

type Address = ServiceEndpoint["addresses"][number];

const isV6 = ({ host }: Address): boolean => host.includes(":");
const textOf = ({ host, port }: Address): string => `${host} ${port}`;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** @throws {RangeError} If an option is out of its range. */
function checkedPollOptions(options: PollOptions): Required<PollOptions> {
  const defaults = {
    intervalMs: 10_000,
    minGapMs: 500,
    requestGapMs: 1_000,
    retryMs: 250,
    maxRetryMs: 1_000,
    giveUpMs: 10_000,
    maxStaleMs: 300_000,
    observe: undefined,
  };
  const full = { ...defaults, ...options };
  const within = (name: Exclude<keyof PollOptions, "observe">, min: number, max: number): void => {
    const value = full[name];
    if (value >= min && value <= max) return;
    throw new RangeError(`Cannot build a k8s resolver: ${name} must be ${min} to ${max}, is ${value}`);
  };
  within("intervalMs", 100, 3_600_000);
  within("minGapMs", 10, 60_000);
  within("requestGapMs", full.minGapMs, 60_000);
  within("retryMs", 10, 60_000);
  within("maxRetryMs", full.retryMs, 600_000);
  within("giveUpMs", 10, 60_000);
  within("maxStaleMs", 0, 2 ** 31);
  return full;
}
