// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/report.ts
 * Place:   beside policy/holdfast-policy.ts, which fills it in when asked.
 * Does:    says per target what the policy knows of its endpoints: state, calls in flight, share of calls, ejections.
 * Doesn't: keep history, or anything of a channel that is closed.
 * With:    policy/endpoint-state.ts
 * Source:  -
 */
import type { EndpointState } from "./endpoint-state.ts";

export interface EndpointReport {
  /** `ip:port`. */
  address: string;
  state: EndpointState;
  /** How long it has been there, by the policy's clock. Unit: milliseconds. */
  stateAgeMs: number;
  inFlight: number;
  /** Calls started, ever. */
  calls: number;
  /** Part of the target's calls of the last ten seconds, 0 to 1. */
  share: number;
  /** How often it was ejected, ever. */
  ejections: number;
  /** Why it is not connected. */
  error?: string;
}

export interface TargetReport {
  target: string;
  endpoints: EndpointReport[];
  /** The last answer of the resolver that the policy was told. Undefined: none yet. */
  resolution: { ageMs: number; note: string } | undefined;
}

/** The policies of a process. */
export class PolicyReports {
  readonly #sources = new Set<() => TargetReport>();

  /** Without effect the second time. */
  add(source: () => TargetReport): void {
    this.#sources.add(source);
  }

  remove(source: () => TargetReport): void {
    this.#sources.delete(source);
  }

  /** One per channel that is in use, by target. */
  list(): TargetReport[] {
    return [...this.#sources].map((source) => source()).sort((a, b) => a.target.localeCompare(b.target));
  }
}

const BUCKETS = 10;
const BUCKET_MS = 1_000;

/** How many calls there were in the last ten seconds. */
export class RecentCalls {
  readonly #buckets = Array.from({ length: BUCKETS }, () => ({ second: -1, calls: 0 }));

  add(now: number): void {
    const second = Math.floor(now / BUCKET_MS);
    const bucket = this.#buckets[second % BUCKETS];
    if (bucket === undefined) return;
    if (bucket.second !== second) Object.assign(bucket, { second, calls: 0 });
    bucket.calls++;
  }

  total(now: number): number {
    const first = Math.floor(now / BUCKET_MS) - BUCKETS + 1;
    return this.#buckets.reduce((sum, { second, calls }) => (second < first ? sum : sum + calls), 0);
  }
}
