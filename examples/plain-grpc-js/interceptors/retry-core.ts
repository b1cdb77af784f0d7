// SPDX-License-Identifier: MIT
/**
 * Copy:    retry-core.ts
 * Place:   beside client/ and server/; client/retry.ts imports it.
 * Does:    says what retry can be told, and decides whether a failed attempt is followed by another, and when: on plain data,
 *          without calls, timers or a clock.
 * Doesn't: know how a budget stands (client/retry-budget.ts), which the caller asks last.
 * With:    context.ts, status.ts
 * Source:  gRFC A6 (codes, pushback, ± 20 %); AWS' "Exponential Backoff And Jitter" (full jitter).
 */
import { type Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { type Clock, harmless, type RpcContext, systemClock } from "./context.ts";
import { detailsOf, isLocal, statusOf } from "./status.ts";

/** What extra attempts draw on: one per target and process, which hedging draws on too. */
export interface AttemptBudget {
  /** Once per call, at its first attempt. */
  deposit(): void;
  /** Takes the token of one extra attempt. `previousAttempts`: of the incoming call that this is done for. */
  withdraw(previousAttempts: number): boolean;
  recordSuccess(): void;
  recordFailure(): void;
}

/** Tells a balancer which attempts belong together, and hears from it where they went: client/attempt-routing.ts. */
export interface AttemptRecorder {
  begin(): { mark(metadata: Metadata): AttemptRoute; end(): void };
}

export interface AttemptRoute {
  readonly peer: string | undefined;
  /** False is certain; undefined: not known. */
  readonly sent: boolean | undefined;
}

export interface RetryMethod {
  idempotency?: "UNKNOWN" | "IDEMPOTENT" | "NO_SIDE_EFFECTS" | undefined;
  /** False: never tried again here. */
  retry?: boolean | undefined;
  /** True: left to client/hedging.ts. */
  hedge?: boolean | undefined;
  /** "field": every request carries an idempotency key. */
  key?: "none" | "field" | "metadata" | undefined;
}

export interface RetryOptions {
  /** What the contract says of a method. Undefined: calls of it may do anything. */
  methods: (path: string) => RetryMethod | undefined;
  budget: AttemptBudget;
  /** Attempts in all, the first one included. @default 3 */
  maxAttempts?: number;
  /** The most that `maxAttempts` may be. @default 5 */
  attemptsCap?: number;
  /** Longest wait before the second attempt. @default 50 */
  baseDelayMs?: number;
  /** By how much it grows from attempt to attempt. @default 2 */
  multiplier?: number;
  /** Longest wait before any attempt. @default 2_000 */
  maxDelayMs?: number;
  /** "full": from nothing to the longest wait; "plus-minus-20": the longest wait ± 20 %, as gRFC A6 has it. @default "full" */
  jitter?: "full" | "plus-minus-20";
  /** "message": a unary response's headers wait for its message, for servers that send them early. @default "headers" */
  commitOn?: "headers" | "message";
  /** Whether ABORTED is tried again; mostly the whole transaction has to be. @default false */
  retryAborted?: boolean;
  /** Whether INTERNAL and UNKNOWN are, of NO_SIDE_EFFECTS methods. @default false */
  retryInternal?: boolean;
  /** What is kept of a request stream to send it again. @default 262_144 */
  maxBufferBytesPerCall?: number;
  /** The same for all calls of the channel. @default 16_777_216 */
  maxBufferBytesPerChannel?: number;
  /** @default none: any host is tried again, and nothing but a local rejection is known not to have been sent */
  attempts?: AttemptRecorder;
  observe?: (event: RetryEvent) => void;
}

export type RetryEvent =
  /** `attempt` comes after `delayMs`; the one before it ended with `code`. */
  | { kind: "retry"; path: string; attempt: number; code: status; delayMs: number }
  | { kind: "stopped"; path: string; attempts: number; code: status; why: StopReason };

/** One failed attempt: a final status has them all as `attempts`. */
export type AttemptReport = { peer: string; code: status; ms: number };
export type RetryEnv = { clock?: Clock | undefined; random?: (() => number) | undefined };

/** The options with their defaults, and what all calls of a channel share. */
export type Policy = ReturnType<typeof policyOf>;

/** @throws {RangeError | TypeError} If an option is out of its range, or there is none of its name. */
export function policyOf(options: RetryOptions, { clock = systemClock, random = Math.random }: RetryEnv) {
  const defaults = {
    attemptsCap: 5,
    maxAttempts: 3,
    baseDelayMs: 50,
    multiplier: 2,
    maxDelayMs: 2_000,
    jitter: "full" as const,
    commitOn: "headers" as const,
    retryAborted: false,
    retryInternal: false,
    maxBufferBytesPerCall: 262_144,
    maxBufferBytesPerChannel: 16_777_216,
  };
  const known = ["methods", "budget", "attempts", "observe", ...Object.keys(defaults)];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`Cannot build retry: there is no option "${unknown}"`);
  const policy = { ...defaults, ...options };
  const { attemptsCap, baseDelayMs, maxBufferBytesPerChannel } = policy;
  const within = (name: keyof typeof policy, min: number, max: number): void => {
    const value = Number(policy[name]);
    if (value >= min && value <= max && (Number.isInteger(value) || name === "multiplier")) return;
    throw new RangeError(`Cannot build retry: ${name} must be ${min} to ${max}, is ${value}`);
  };
  const oneOf = (name: "jitter" | "commitOn", words: readonly string[]): void => {
    if (words.includes(policy[name])) return;
    throw new RangeError(`Cannot build retry: ${name} must be ${words.join(" or ")}, is ${policy[name]}`);
  };
  oneOf("jitter", ["full", "plus-minus-20"]);
  oneOf("commitOn", ["headers", "message"]);
  within("attemptsCap", 1, 100);
  within("maxAttempts", 1, attemptsCap);
  within("baseDelayMs", 1, 60_000);
  within("multiplier", 1, 10);
  within("maxDelayMs", baseDelayMs, 600_000);
  within("maxBufferBytesPerChannel", 0, 2 ** 30);
  within("maxBufferBytesPerCall", 0, maxBufferBytesPerChannel);
  return { ...policy, observe: harmless(policy.observe), clock, random, pool: { bytes: 0 }, medians: new Medians() };
}

/** What of the options a decision depends on. */
export type DecisionPolicy = BackoffPolicy & Pick<Policy, "maxAttempts" | "retryAborted" | "retryInternal">;
export type BackoffPolicy = Pick<Policy, "baseDelayMs" | "multiplier" | "maxDelayMs" | "jitter">;

/** An attempt that has failed, and how its call stands. */
export interface Failure {
  code: status;
  /** Attempts so far, this one included. */
  attempts: number;
  /** How many waits of `backoffMs` there were since the first attempt or the last pushback. */
  backoffs: number;
  idempotency: "UNKNOWN" | "IDEMPOTENT" | "NO_SIDE_EFFECTS";
  /** Whether the call carries an idempotency key. */
  keyed: boolean;
  /** False: certainly no server has seen the attempt. */
  sent: boolean | undefined;
  /** ErrorInfo's reason. */
  reason: string | undefined;
  /** As `parsePushback` gives it. */
  pushback: number | undefined;
  /** RetryInfo's delay. */
  retryAfterMs: number | undefined;
  /** Time to the deadline of the call. */
  leftMs: number;
  /** How long before it the deadline counts as reached. */
  slackMs: number;
  /** How long half of the method's attempts take. 0: not known. */
  medianMs: number;
  /** How many more attempts the incoming call allows to all calls made on its behalf. */
  credit: number;
}

export type StopReason =
  /** Decided by what the attempt ended with. */
  | ("not_retryable" | "not_safe" | "max_attempts" | "credit" | "pushback" | "no_time")
  /** Before it came to that, or after. */
  | ("committed" | "cancelled" | "threw" | "budget");

/** Why it is of no use to whoever called this service to try again. */
export const EXHAUSTED: ReadonlySet<StopReason> = new Set(["pushback", "credit", "budget"]);

export type Decision =
  /** `exact`: the server has named the time, and the backoff starts over. */
  | { retry: true; delayMs: number; exact: boolean }
  /** `failure`: it still counts for the throttle of the budget, as every failure before a retry does. */
  | { retry: false; why: StopReason; failure: boolean };

/** Reasons that the next attempt would meet as well. */
const LASTING = new Set(["CIRCUIT_OPEN", "CLIENT_CONCURRENCY_LIMIT", "DEADLINE_TOO_SHORT"]);

/** What a failed attempt leads to. Draws on `random` only when it leads to another one. */
export function decideRetry(failure: Failure, policy: DecisionPolicy, random: () => number): Decision {
  const { attempts, idempotency, keyed, sent, pushback, retryAfterMs = 0, leftMs, medianMs } = failure;
  if (pushback !== undefined && pushback < 0) return { retry: false, why: "pushback", failure: true };
  if (!isRetryable(failure, policy)) return { retry: false, why: "not_retryable", failure: false };
  const stop = (why: StopReason): Decision => ({ retry: false, why, failure: true });
  // Any other word, such as proto-loader's "IDEMPOTENCY_UNKNOWN", allows nothing.
  const safe = idempotency === "IDEMPOTENT" || idempotency === "NO_SIDE_EFFECTS";
  if (!safe && !keyed && sent !== false) return stop("not_safe");
  if (attempts >= policy.maxAttempts) return stop("max_attempts");
  if (failure.credit < 1) return stop("credit");
  const delayMs = pushback ?? Math.max(backoffMs(failure.backoffs + 1, policy, random), retryAfterMs);
  // Time that is not enough for the wait, or for half of the attempts, is better spent by whoever gets the status now.
  if (delayMs >= leftMs || leftMs - delayMs < medianMs) return stop("no_time");
  return { retry: true, delayMs, exact: pushback !== undefined };
}

function isRetryable(failure: Failure, { retryAborted, retryInternal }: DecisionPolicy): boolean {
  const { code, reason = "", sent, pushback, retryAfterMs, leftMs, slackMs } = failure;
  // From another process the first two are about a call that it made, and say nothing about the next attempt.
  if (LASTING.has(reason) && (sent === false || reason === "DEADLINE_TOO_SHORT")) return false;
  switch (code) {
    case status.UNAVAILABLE:
      return true;
    case status.RESOURCE_EXHAUSTED:
      // Without a time to come back it may be a message that is too large, which it will be again.
      return pushback !== undefined || retryAfterMs !== undefined;
    case status.DEADLINE_EXCEEDED:
      return leftMs > slackMs;
    case status.ABORTED:
      return retryAborted;
    case status.INTERNAL:
    case status.UNKNOWN:
      return retryInternal && failure.idempotency === "NO_SIDE_EFFECTS";
    default:
      return false;
  }
}

/** The wait before the n-th retry of a row, n from 1: never less than 1 ms, so that no loop is tight. */
export function backoffMs(n: number, policy: BackoffPolicy, random: () => number): number {
  const { baseDelayMs, multiplier, maxDelayMs, jitter } = policy;
  const longest = Math.min(maxDelayMs, baseDelayMs * multiplier ** (n - 1));
  return Math.max(1, longest * (jitter === "full" ? random() : 0.8 + 0.4 * random()));
}

/** What a status says, as a decision needs it. `sent`: as far as the balancer knows. */
export function readFailure(result: StatusObject, sent: boolean | undefined) {
  const details = detailsOf(result.metadata);
  return {
    code: result.code,
    sent: isLocal(result) ? false : sent,
    reason: details?.reason,
    pushback: parsePushback(result.metadata.get("grpc-retry-pushback-ms")),
    retryAfterMs: details?.retryAfterMs,
  };
}

/**
 * An attempt that has run out of its own time says the same as a call that has run out of all of it, and the caller must
 * not take the one for the other. A reason of the server's own stays: it is something else than the timer of both sides.
 */
export function withoutAttemptTimeout(result: StatusObject, path: string): StatusObject {
  if (result.code !== status.DEADLINE_EXCEEDED) return result;
  const { reason = "DEADLINE_EXCEEDED" } = detailsOf(result.metadata) ?? {};
  if (reason !== "DEADLINE_EXCEEDED") return result;
  const text = `Cannot get an answer of ${path}: the last attempt ran out of its time, the call did not`;
  return statusOf(status.UNAVAILABLE, text, { reason: "ATTEMPT_TIMEOUT", metadata: { method: path } });
}

/** Milliseconds of `grpc-retry-pushback-ms`. Negative: not again, which is also what an unreadable one means. */
export function parsePushback(values: readonly (string | Buffer)[]): number | undefined {
  if (values.length === 0) return undefined;
  const [text] = values;
  if (values.length > 1 || !/^-?(0|[1-9]\d{0,9})$/.test(String(text))) return -1;
  // "-0" is zero.
  return Number(text) + 0;
}

/** The median of the last 64 values; 0 until there are eight. */
export class Median {
  readonly #values: number[] = [];
  #count = 0;

  add(value: number): void {
    this.#values[this.#count++ % 64] = value;
  }

  /** Sorts: asked after failures only. */
  get value(): number {
    const { length } = this.#values;
    return length < 8 ? 0 : (this.#values.toSorted((a, b) => a - b)[length >> 1] ?? 0);
  }
}

/** How long attempts take, by path. */
export class Medians {
  readonly #medians = new Map<string, Median>();

  of(path: string): Median {
    const known = this.#medians.get(path);
    if (known !== undefined) return known;
    // More methods than any contract has: whoever makes up paths does not get to fill the memory.
    if (this.#medians.size >= 1_000) this.#medians.clear();
    const median = new Median();
    this.#medians.set(path, median);
    return median;
  }
}

/** How many retries were made on behalf of an incoming call: its credit is for all of them together. */
const spent = new WeakMap<RpcContext, number>();

/** How many retries the calls made on behalf of this one may still come to. */
export function creditOf(parent: RpcContext | undefined): number {
  return parent === undefined ? Infinity : Math.max(0, parent.retryCredit - (spent.get(parent) ?? 0));
}

export function spendCredit(parent: RpcContext | undefined): void {
  if (parent !== undefined) spent.set(parent, (spent.get(parent) ?? 0) + 1);
}
