/** What the parts of a server's chain can be told: the options of the kit's files without those that the chain itself gives. */
import type { AuthenticateOptions } from "@holdfast/interceptors/server/auth";
import type { Rule } from "@holdfast/interceptors/server/authorize";
import type * as kitContext from "@holdfast/interceptors/server/context";
import type * as kitDeadline from "@holdfast/interceptors/server/deadline";
import type { Fault, FaultOptions } from "@holdfast/interceptors/server/fault";
import type * as kitIdempotency from "@holdfast/interceptors/server/idempotency";
import type * as kitLoadShed from "@holdfast/interceptors/server/load-shed";
import type { RateLimitOptions } from "@holdfast/interceptors/server/rate-limit";
import type { ServerTelemetryOptions } from "@holdfast/interceptors/server/telemetry";
import type { Known } from "./check-options.ts";

export type ContextOptions = Omit<kitContext.ContextOptions, "methods">;
export const CONTEXT: Known<ContextOptions> = { trusted: true, sampleRatio: true };

export type DeadlineOptions = Omit<kitDeadline.DeadlineOptions, "methods">;
export const DEADLINE: Known<DeadlineOptions> = { unaryMaxMs: true, streamMaxMs: true };

export type TelemetryOptions = Omit<ServerTelemetryOptions, "methods">;
export const TELEMETRY: Known<TelemetryOptions> = { telemetry: true, logRequests: true, redact: true };

export type LoadShedOptions = Omit<kitLoadShed.LoadShedOptions, "methods">;
export const LOAD_SHED: Known<LoadShedOptions> = {
  maxInFlight: true,
  minInFlight: true,
  initialInFlight: true,
  maxStreams: true,
  eventLoop: true,
  maxHeapShare: true,
  sampleMs: true,
  pushbackMs: true,
  exempt: true,
  probe: true,
  observe: true,
};
export const EVENT_LOOP: Known<NonNullable<LoadShedOptions["eventLoop"]>> = { maxDelayMs: true, maxUtilization: true };

export const FAULTS: Known<FaultOptions> = { allowed: true, enabled: true, faults: true };
export const FAULT: Known<Fault> = { methods: true, share: true, delayMs: true, end: true };

export const AUTHENTICATE: Known<AuthenticateOptions> = {
  verify: true,
  accept: true,
  publicMethods: true,
  retryAfterMs: true,
  observe: true,
};

export interface AuthorizeOptions {
  /** Who may call each method of the service, by its name in the generated client. Default deny: none may be left out. */
  rules: Readonly<Record<string, Rule>>;
  /** Who may ask what the server can do. @default "authenticated", or "public" where nobody is asked who they are */
  reflection?: Rule;
}
export const AUTHORIZE: Known<AuthorizeOptions> = { rules: true, reflection: true };

export const RATE_LIMIT: Known<RateLimitOptions> = {
  callsPerSecond: true,
  burst: true,
  maxCallers: true,
  exempt: true,
  observe: true,
};

export type IdempotencyOptions = Omit<kitIdempotency.IdempotencyOptions, "methods">;
export const IDEMPOTENCY: Known<IdempotencyOptions> = {
  store: true,
  principalOf: true,
  leaseMs: true,
  ttlMs: true,
  maxResponseBytes: true,
  retryAfterMs: true,
  storeTimeoutMs: true,
  releaseOn: true,
  transactional: true,
  observe: true,
};
