/** What the parts of a client's chain can be told: the options of the kit's files without those that the chain itself gives. */
import type { AuthOptions } from "@holdfast/interceptors/client/auth";
import type { BreakersOptions } from "@holdfast/interceptors/client/breaker";
import type * as kitLimit from "@holdfast/interceptors/client/concurrency-limit";
import type * as kitContext from "@holdfast/interceptors/client/context";
import type * as kitDeadline from "@holdfast/interceptors/client/deadline";
import type * as kitHedging from "@holdfast/interceptors/client/hedging";
import type * as kitRetry from "@holdfast/interceptors/client/retry";
import type { ClientTelemetryOptions, Telemetry } from "@holdfast/interceptors/client/telemetry";
import type { Known } from "./check-options.ts";

export type ContextOptions = Partial<Omit<kitContext.ContextOptions, "methods">>;
export const CONTEXT: Known<ContextOptions> = { trusted: true, sampleRatio: true };

/** Every method has the contract's deadline: there is no call that a default could be for, and none without an end. */
export type DeadlineOptions = Omit<kitDeadline.DeadlineOptions, "methods" | "defaultMs" | "allowInfinite">;
export const DEADLINE: Known<DeadlineOptions> = {
  hardMaxMs: true,
  marginRatio: true,
  minMarginMs: true,
  maxMarginMs: true,
  observe: true,
};

/** Requests are bytes by the time that a client's chain sees them: there is nothing in them to be logged, or left out of the log. */
export type TelemetryOptions = Omit<
  ClientTelemetryOptions,
  "methods" | "target" | "telemetry" | "logRequests" | "redact"
> & {
  telemetry: Telemetry;
};
export const TELEMETRY: Known<TelemetryOptions> = { telemetry: true };

export interface IdempotencyKeyOptions {
  /** Which other methods get a key too, by their name in the generated client. @default none */
  also?: readonly string[];
}
export const IDEMPOTENCY_KEY: Known<IdempotencyKeyOptions> = { also: true };

export type RetryOptions = Omit<kitRetry.RetryOptions, "methods" | "budget" | "attempts">;
export const RETRY: Known<RetryOptions> = {
  maxAttempts: true,
  attemptsCap: true,
  baseDelayMs: true,
  multiplier: true,
  maxDelayMs: true,
  jitter: true,
  commitOn: true,
  retryAborted: true,
  retryInternal: true,
  maxBufferBytesPerCall: true,
  maxBufferBytesPerChannel: true,
  observe: true,
};

export type HedgingOptions = Omit<kitHedging.HedgingOptions, "methods" | "budget" | "attempts">;
export const HEDGING: Known<HedgingOptions> = { maxAttempts: true, delayMs: true, nonFatal: true, observe: true };

export type BreakerOptions = BreakersOptions;
export const BREAKER: Known<BreakerOptions> = {
  failureRate: true,
  slowRate: true,
  slowCallMs: true,
  minCalls: true,
  failuresInARow: true,
  windowMs: true,
  openMs: true,
  maxOpenMs: true,
  probes: true,
  longStreamMs: true,
  minBudgetMs: true,
  maxCircuits: true,
  idleMs: true,
  countResourceExhausted: true,
  observe: true,
};

export type ConcurrencyLimitOptions = Omit<kitLimit.ConcurrencyLimitOptions, "methods">;
export const CONCURRENCY_LIMIT: Known<ConcurrencyLimitOptions> = {
  limit: true,
  queue: true,
  shares: true,
  observe: true,
};
export const QUEUE: Known<NonNullable<ConcurrencyLimitOptions["queue"]>> = { size: true, maxWaitMs: true };

export interface AttemptTimeoutOptions {
  /** The longest that one attempt of a unary call may take. Unit: milliseconds. */
  timeoutMs: number;
}
export const ATTEMPT_TIMEOUT: Known<AttemptTimeoutOptions> = { timeoutMs: true };

export const AUTH: Known<AuthOptions> = { token: true, refreshAheadMs: true, minRefreshMs: true, observe: true };
