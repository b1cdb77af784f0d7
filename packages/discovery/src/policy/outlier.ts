// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/outlier.ts
 * Place:   beside policy/holdfast-policy.ts, which tells it how each call ended.
 * Does:    ejects an endpoint that fails where its peers do not, lets it back after one call that succeeds, and counts as
 *          failures only what the infrastructure is to blame for.
 * Doesn't: eject more than half, judge calls that were slow (policy/slowness.ts), or a method that fails everywhere.
 * With:    policy/error-reason.ts
 * Source:  Envoy's outlier detection and gRFC A50 for the shape; the numbers are chosen for 200 calls/s.
 */
import { type Metadata, status } from "@grpc/grpc-js";
import { errorReason } from "./error-reason.ts";

export type Verdict = "success" | "failure" | "ignored" | "draining";

const FAILURES: readonly status[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.INTERNAL,
  status.UNKNOWN,
  status.DATA_LOSS,
];
/** A deadline this short says nothing about the server. Unit: milliseconds. */
const TOO_SHORT_MS = 10;

/** How a call's end reflects on its server: what the caller got wrong is the server's success. */
export function verdictOf(code: status, metadata: Metadata | undefined, durationMs: number): Verdict {
  if (code === status.CANCELLED) return "ignored";
  if (code === status.DEADLINE_EXCEEDED && durationMs < TOO_SHORT_MS) return "ignored";
  if (code === status.UNAVAILABLE && errorReason(metadata) === "DRAINING") return "draining";
  // Of a server that sheds. Others are quotas, or messages that are too large for this very process.
  if (code === status.RESOURCE_EXHAUSTED) return errorReason(metadata) === "OVERLOADED" ? "failure" : "ignored";
  return FAILURES.includes(code) ? "failure" : "success";
}

export interface OutlierOptions {
  /** The first ejection; each next one is twice as long. @default 1_000 */
  ejectionMs?: number;
  /** @default 4_000 */
  maxEjectionMs?: number;
  /** In [0, 1). @default Math.random */
  random?: () => number;
}

/** A run of failures ejects when chance alone would give it less often than this at the peers' failure rate. */
const CHANCE = 1e-4;
/** So that three in a row are enough while the peers do well: at 200 calls/s, some 30 ms. */
const LOWEST_RATE = 0.046;
/** By rate: this many calls in the window, on both sides. */
const MIN_CALLS = 10;
const MIN_RATE = 0.2;
const TIMES_WORSE = 3;
/** In good standing for this long, the next ejection is a first one again. Unit: milliseconds. */
const FORGIVEN_MS = 10_000;
/** A trial that has not ended by then (a stream may be open for hours) no longer stands in the way of another. */
const TRIAL_MS = 4_000;
/** The next look at one that could not be tried. */
const SOON_MS = 100;

const BUCKETS = 5;
const BUCKET_MS = 1_000;

/** One endpoint's record. */
export class OutlierRecord {
  /** Whether it counts among the peers: connected, serving and answering. Kept by the owner. */
  inPlay = true;
  ejected = false;
  /** How often it was ejected, ever. */
  ejections = 0;
  /** When a trial may go to it. */
  trialAt = Infinity;
  /** Of the trial that is under way: the end of an older one changes nothing. */
  trial = 0;
  run = 0;
  level = 0;
  since = 0;
  ejectedAt = 0;
  readonly #buckets = Array.from({ length: BUCKETS }, () => ({ second: -1, calls: 0, failures: 0 }));

  count(failed: boolean, now: number): void {
    const second = Math.floor(now / BUCKET_MS);
    const bucket = this.#buckets[second % BUCKETS];
    if (bucket === undefined) return;
    if (bucket.second !== second) Object.assign(bucket, { second, calls: 0, failures: 0 });
    bucket.calls++;
    if (failed) bucket.failures++;
  }

  /** Of the last five seconds. */
  totals(now: number): { calls: number; failures: number } {
    const first = Math.floor(now / BUCKET_MS) - BUCKETS + 1;
    const sum = { calls: 0, failures: 0 };
    for (const { second, calls, failures } of this.#buckets) {
      if (second < first) continue;
      sum.calls += calls;
      sum.failures += failures;
    }
    return sum;
  }

  /** A clean slate for the time after an ejection. */
  forget(): void {
    this.run = 0;
    for (const bucket of this.#buckets) bucket.second = -1;
  }
}

export class Outliers {
  readonly #options: Required<OutlierOptions>;
  readonly #records = new Set<OutlierRecord>();
  /** When the next trial is due: one comparison per pick while nobody is ejected. */
  #nextTrialAt = Infinity;

  constructor({ ejectionMs = 1_000, maxEjectionMs = 4_000, random = Math.random }: OutlierOptions = {}) {
    this.#options = { ejectionMs, maxEjectionMs, random };
  }

  add(): OutlierRecord {
    const record = new OutlierRecord();
    this.#records.add(record);
    return record;
  }

  remove(record: OutlierRecord): void {
    this.#records.delete(record);
  }

  /** A call that was no trial has ended. True: the endpoint is ejected by that. */
  ended(record: OutlierRecord, verdict: Verdict, now: number): boolean {
    // What was under way when it was ejected says nothing new.
    if (record.ejected || verdict === "ignored" || verdict === "draining") return false;
    record.count(verdict === "failure", now);
    record.run = verdict === "failure" ? record.run + 1 : 0;
    if (verdict === "success" || !this.#isOutlier(record, now) || !this.#mayEject(record)) return false;
    this.#eject(record, now);
    return true;
  }

  /** The endpoint that gets the next call to see whether it has healed: one call at a time. Undefined: none is due. */
  trialDue(now: number): OutlierRecord | undefined {
    if (now < this.#nextTrialAt) return undefined;
    let due: OutlierRecord | undefined;
    this.#nextTrialAt = Infinity;
    for (const record of this.#records) {
      if (!record.ejected) continue;
      if (due === undefined && record.trialAt <= now && record.inPlay) due = record;
      // One that cannot be tried now is asked for again soon.
      else this.#nextTrialAt = Math.min(this.#nextTrialAt, record.trialAt > now ? record.trialAt : now + SOON_MS);
    }
    return due;
  }

  /**
   * A real call and not a health check: a server that fails every call may well be in perfect health. The caller does not
   * pay for it: a retry goes elsewhere, and no retry is ever the trial.
   */
  beginTrial(record: OutlierRecord, now: number): number {
    this.#tryAt(record, now + TRIAL_MS);
    return ++record.trial;
  }

  /** Its call has not been started: its credentials take time, or the connection has just gone. */
  postponeTrial(record: OutlierRecord, trial: number, now: number): void {
    if (record.ejected && trial === record.trial) this.#tryAt(record, now + SOON_MS);
  }

  /**
   * Connected again after a loss: maybe a new process, which need not wait for as long as the old one had to. The rest stays,
   * as one that ends with every call, or every third, would otherwise be a new one each time: what failed counts until
   * something succeeds, and trials are as far apart as a first ejection.
   */
  returned(record: OutlierRecord): void {
    if (record.ejected) this.#tryAt(record, Math.min(record.trialAt, record.ejectedAt + this.#options.ejectionMs));
  }

  /** True: the endpoint is back. */
  endTrial(record: OutlierRecord, trial: number, verdict: Verdict, now: number): boolean {
    if (!record.ejected) return false;
    if (verdict === "success") {
      Object.assign(record, { ejected: false, since: now, trialAt: Infinity });
      record.forget();
      return true;
    }
    if (trial !== record.trial) return false;
    if (verdict === "failure") this.#eject(record, now);
    else this.#tryAt(record, now);
    return false;
  }

  #isOutlier(record: OutlierRecord, now: number): boolean {
    const own = record.totals(now);
    const peers = { calls: 0, failures: 0 };
    for (const peer of this.#records) {
      if (peer === record || peer.ejected || !peer.inPlay) continue;
      const { calls, failures } = peer.totals(now);
      peers.calls += calls;
      peers.failures += failures;
    }
    const usual = peers.calls === 0 ? 0 : peers.failures / peers.calls;
    if (Math.max(LOWEST_RATE, usual) ** record.run < CHANCE) return true;
    const rate = own.failures / own.calls;
    return Math.min(own.calls, peers.calls) >= MIN_CALLS && rate >= MIN_RATE && rate >= TIMES_WORSE * usual;
  }

  /** S9: never more than half of those that count; itself does, even if its connection has gone with the call. */
  #mayEject(candidate: OutlierRecord): boolean {
    let inPlay = 0;
    let ejected = 0;
    for (const record of this.#records) {
      if (!record.inPlay && record !== candidate) continue;
      inPlay++;
      if (record.ejected) ejected++;
    }
    return 2 * (ejected + 1) <= inPlay;
  }

  #eject(record: OutlierRecord, now: number): void {
    const { ejectionMs, maxEjectionMs, random } = this.#options;
    if (!record.ejected && now - record.since >= FORGIVEN_MS) record.level = 0;
    const longest = Math.min(maxEjectionMs, ejectionMs * 2 ** record.level);
    record.level = Math.min(record.level + 1, 16);
    record.ejected = true;
    record.ejectedAt = now;
    record.ejections++;
    record.forget();
    // Clients that ejected it together do not come back together.
    this.#tryAt(record, now + longest * (1 - 0.2 * random()));
  }

  #tryAt(record: OutlierRecord, at: number): void {
    record.trialAt = at;
    this.#nextTrialAt = Math.min(this.#nextTrialAt, at);
  }
}
