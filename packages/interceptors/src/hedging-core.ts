// SPDX-License-Identifier: MIT
/**
 * Copy:    hedging-core.ts
 * Place:   beside client/ and server/; client/hedging.ts imports it.
 * Does:    says what hedging can be told, what the end of an attempt means, and how long a method mostly takes: on plain
 *          data, without calls or timers.
 * Doesn't: know how a budget stands or which hosts there are; the caller asks.
 * With:    context.ts
 * Source:  gRFC A6 "Hedging Policy".
 */
import { type Metadata, status } from "@grpc/grpc-js";
import { type Clock, harmless, systemClock } from "./context.ts";

/** What hedges draw on: the same one as the retries to the target. */
export interface HedgeBudget {
  /** Once per call, at its first attempt. */
  deposit(): void;
  /** Takes the token of one hedge. `previousAttempts`: of the incoming call that this is done for. */
  withdraw(previousAttempts: number): boolean;
  recordSuccess(): void;
  recordFailure(): void;
}

/** Tells a balancer which attempts belong together, so that each goes to a host of its own. */
export interface HedgeRecorder {
  begin(): {
    /** Undefined: no host was found for it yet. */
    mark(metadata: Metadata): { readonly peer: string | undefined };
    /** Whether a host is connected that no attempt of the call was given to. */
    hasUntried(): boolean;
    end(): void;
  };
}

export interface HedgingOptions {
  /** What the contract says of a method; hedged is what has `hedge` and may be done twice. */
  methods: (
    path: string,
  ) =>
    | { hedge?: boolean | undefined; idempotency?: "UNKNOWN" | "IDEMPOTENT" | "NO_SIDE_EFFECTS" | undefined }
    | undefined;
  budget: HedgeBudget;
  /** Without it hedges go where the balancer sends them, which may be the same host. */
  attempts?: HedgeRecorder;
  /** Attempts in all, the first one included: 2 to 5. @default 2 */
  maxAttempts?: number;
  /** Shortest wait before a hedge; the 95th percentile of the method is waited for if it is longer. @default 50 */
  delayMs?: number;
  /** Codes that another host may do better with, at least one; all others end the call. @default UNAVAILABLE, DEADLINE_EXCEEDED */
  nonFatal?: readonly status[];
  observe?: (event: HedgingEvent) => void;
}

/** `attempt` counts from 1. `why` no hedge was made: see H2, H3 and H5; "threw": what is further in did. */
export type HedgingEvent = { path: string; attempt: number } & (
  | { kind: "hedge" | "won" }
  | { kind: "none"; why: "budget" | "host" | "time" | "pushback" | "local" | "credit" }
  | { kind: "none"; why: "threw"; error: unknown }
);

/** The 95th percentile of the last 200 values: 0 until there are 20, and then at most ten values behind. */
export class RollingP95 {
  readonly #values: number[] = [];
  #added = 0;
  #sortedAt = 0;
  #p95 = 0;

  add(ms: number): void {
    this.#values[this.#added % 200] = ms;
    this.#added += 1;
  }

  get value(): number {
    if (this.#added >= 20 && (this.#sortedAt === 0 || this.#added - this.#sortedAt >= 10)) {
      this.#sortedAt = this.#added;
      const sorted = this.#values.toSorted((a, b) => a - b);
      this.#p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
    }
    return this.#p95;
  }
}

export interface AttemptEnd {
  code: status;
  /** It was refused in this process. */
  local: boolean;
  /** All values of `grpc-retry-pushback-ms`. */
  pushback: readonly (string | Buffer)[];
}

/** What the end of an attempt means: it is the call's, no hedge may follow, or one does in so many milliseconds. */
export function afterAttempt(
  { code, local, pushback }: AttemptEnd,
  nonFatal: ReadonlySet<status>,
): "final" | "stop" | number {
  // Whatever refused it here would refuse the next one; attempts that are out may still succeed.
  if (local && code !== status.OK) return "stop";
  if (!nonFatal.has(code)) return "final";
  if (pushback.length === 0) return 0;
  const text = String(pushback[0]);
  return pushback.length === 1 && /^(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : "stop";
}

export type Policy = ReturnType<typeof policyOf>;

const NAMES = new Set(["methods", "budget", "attempts", "maxAttempts", "delayMs", "nonFatal", "observe"]);

/** The options with what holds where nothing is given. @throws {RangeError | TypeError} If there can be no such option. */
export function policyOf(options: HedgingOptions, { clock = systemClock }: { clock?: Clock }) {
  const { maxAttempts = 2, delayMs = 50, nonFatal = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED] } = options;
  const unknown = Object.keys(options).find((name) => !NAMES.has(name));
  if (unknown !== undefined) throw new TypeError(`Cannot build hedging: there is no option "${unknown}"`);
  if (!Number.isInteger(maxAttempts)) {
    throw new RangeError(`Cannot build hedging: maxAttempts must be a whole number, is ${maxAttempts}`);
  }
  within("maxAttempts", maxAttempts, 2, 5);
  within("delayMs", delayMs, 1, 60_000);
  // Without one, a host that refuses at once would end every call that another one answers.
  if (nonFatal.length === 0) throw new RangeError("Cannot build hedging: nonFatal must have a code, is empty");
  const strange = nonFatal.find((code) => code === status.OK || status[code] === undefined);
  if (strange !== undefined) {
    throw new RangeError(`Cannot build hedging: nonFatal must be errors, has ${status[strange] ?? strange}`);
  }
  return { ...options, observe: harmless(options.observe), maxAttempts, delayMs, nonFatal: new Set(nonFatal), clock };
}

function within(name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return;
  throw new RangeError(`Cannot build hedging: ${name} must be ${min} to ${max}, is ${value}`);
}
