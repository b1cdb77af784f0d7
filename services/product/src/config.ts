import { ConfigError, drainProblems, readConfig as read } from "@holdfast/process";
import { z } from "zod";

/** Every environment variable of the service. Read once, in main.ts. */
export const Config = z.object({
  /** `postgresql://role:password@host:port/database`. No default: a wrong one would fill somebody else's tables. */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** `host:port` to serve on; port 0 takes any free one. */
  LISTEN: z.string().default("127.0.0.1:50052"),
  /** Longest time between a signal and the end of the process. Unit: milliseconds. Ctrl-C promises 5 s. */
  DRAIN_MS: z.coerce.number().int().positive().default(4_000),
  /**
   * Of that, how long it takes calls while those who find it by name only learn that it goes. Who watches its health needs
   * none; give it the interval at which others resolve. At most a half of DRAIN_MS. Unit: milliseconds.
   */
  DRAIN_RESOLVERS_MS: z.coerce.number().int().min(0).default(0),
  /** What load shedding's limit of unary calls never falls below: the database queues a few, and none waits long. */
  MIN_IN_FLIGHT: z.coerce.number().int().positive().max(1_000).default(100),
  /** Faults to inject, as a JSON list; see packages/interceptors/src/server/fault.ts. Empty: none, and none can be switched on. */
  FAULTS: z.string().default(""),
  /** Least level that is logged. */
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  /** Connections to the database at most, beside those of lists and watches and one that listens. */
  DATABASE_CONNECTIONS: z.coerce.number().int().positive().default(10),
  /** Longest wait of a call for another one with the same idempotency key. Unit: milliseconds. */
  IDEMPOTENCY_WAIT_MS: z.coerce.number().int().positive().default(2_000),
  /** How long answers are kept under their idempotency keys; callers rely on 24. Unit: hours. */
  IDEMPOTENCY_KEEP_HOURS: z.coerce.number().int().min(24).default(48),
  /** Time between two prunings of idempotency keys. Unit: milliseconds. */
  PRUNE_INTERVAL_MS: z.coerce.number().int().positive().default(600_000),
  /** A watch that has told nothing for so long sends a heartbeat. Unit: milliseconds. */
  HEARTBEAT_MS: z.coerce.number().int().positive().default(15_000),
  /** A watch reads its levels this often even if nobody told it to. Unit: milliseconds. */
  WATCH_POLL_MS: z.coerce.number().int().positive().default(10_000),
});
export type Config = Readonly<z.infer<typeof Config>>;

/** @throws {ConfigError} With all problems at once. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const config = read(Config, env);
  const problems = drainProblems(config);
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}
