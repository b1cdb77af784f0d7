import { ConfigError, readConfig as read } from "@holdfast/process";
import { z } from "zod";

/** A lease has to outlive the longest call by this much, to record its answer in. Unit: milliseconds. */
const LEASE_MARGIN_MS = 500;

/** Every environment variable of the service. Read once, in main.ts. */
export const Config = z.object({
  /** `postgresql://role:password@host:port/database`. No default: a wrong one would fill somebody else's tables. */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** `host:port` to serve on; port 0 takes any free one. */
  LISTEN: z.string().default("127.0.0.1:50053"),
  /** gRPC target of the product service. No default: a wrong one would sell somebody else's stock. */
  PRODUCT_TARGET: z.string(),
  /** gRPC target of the payment service. No default: a wrong one would charge the wrong place. */
  PAYMENT_TARGET: z.string(),
  /** Longest time between a signal and the end of the process. Unit: milliseconds. Ctrl-C promises 5 s. */
  DRAIN_MS: z.coerce.number().int().positive().default(4_000),
  /** Least level that is logged. */
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  /** Connections to the database at most, for calls. The saga worker has up to 8 of its own. */
  DATABASE_CONNECTIONS: z.coerce.number().int().positive().default(10),
  /** Longest time to price an order in. Unit: milliseconds. */
  PRICING_TIMEOUT_MS: z.coerce.number().int().positive().default(2_000),
  /** Longest time for one call of the saga. Unit: milliseconds. */
  STEP_TIMEOUT_MS: z.coerce.number().int().positive().default(5_000),
  /** How long an order belongs to the worker that moves it on; longer than a call. Unit: milliseconds. */
  LEASE_MS: z.coerce.number().int().positive().default(10_000),
  /** Age at which an order that is not paid is cancelled. Unit: milliseconds. */
  ORDER_EXPIRES_MS: z.coerce.number().int().positive().default(3_600_000),
  /** Orders that this instance moves on at the same time. */
  SAGA_CONCURRENCY: z.coerce.number().int().positive().default(16),
  /** How long answers are kept under their idempotency keys; callers rely on 24. Unit: hours. */
  IDEMPOTENCY_KEEP_HOURS: z.coerce.number().int().min(24).default(48),
  /** Time between two prunings of idempotency keys. Unit: milliseconds. */
  PRUNE_INTERVAL_MS: z.coerce.number().int().positive().default(600_000),
  /** A stream that has told nothing for so long sends a heartbeat. Unit: milliseconds. */
  HEARTBEAT_MS: z.coerce.number().int().positive().default(15_000),
  /** A stream reads its log this often even if nobody told it to. Unit: milliseconds. */
  STREAM_POLL_MS: z.coerce.number().int().positive().default(1_000),
});
export type Config = Readonly<z.infer<typeof Config>>;

/** @throws {ConfigError} With all problems at once. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const config = read(Config, env);
  const leastLeaseMs = config.STEP_TIMEOUT_MS + LEASE_MARGIN_MS;
  if (config.LEASE_MS < leastLeaseMs) {
    throw new ConfigError([
      `LEASE_MS: must be at least STEP_TIMEOUT_MS + ${LEASE_MARGIN_MS}, got "${config.LEASE_MS}"`,
    ]);
  }
  return config;
}
