import { ConfigError, drainProblems, readConfig as read } from "@holdfast/process";
import { nestingProblems } from "@holdfast/rpc";
import { z } from "zod";

const milliseconds = z.coerce.number().int().positive();

/** Connecting, a slow scheduler, the way back. Unit: milliseconds. */
const MARGIN_MS = 1_000;

export const Config = z
  .object({
    /** The service's own database, `postgresql://role:password@host:port/database`. No default: it holds the books. */
    DATABASE_URL: z.string(),
    /** The payment provider's HTTP API. No default: a wrong one would charge the wrong place. */
    PROVIDER_URL: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }),
    /** Where to serve gRPC. Port 0 takes any free one. */
    LISTEN: z.string().default("127.0.0.1:50051"),
    /** Longest time for one request to the provider. Unit: milliseconds. */
    PROVIDER_TIMEOUT_MS: milliseconds.default(3_000),
    /** After so long a request to the provider has had its effect or never will; it may then be sent again if none is
     * found. Longer than PROVIDER_TIMEOUT_MS by 1 s, and longer than the provider itself works on one. Unit: milliseconds. */
    PROVIDER_SETTLE_MS: milliseconds.default(6_000),
    /** How long an instance has an open outcome for itself; an instance that was killed delays it by this. Longer than
     * PROVIDER_TIMEOUT_MS by 1 s. Unit: milliseconds. */
    LEASE_MS: milliseconds.default(10_000),
    /** How often to look for open outcomes. Unit: milliseconds. */
    RECOVERY_POLL_MS: milliseconds.default(500),
    /** Longest time between a signal and the end of the process. Unit: milliseconds. Ctrl-C promises 5 s. */
    DRAIN_MS: milliseconds.default(4_000),
    /**
     * Of that, how long it takes calls while those who find it by name only learn that it goes. Who watches its health needs
     * none; give it the interval at which others resolve. At most a half of DRAIN_MS. Unit: milliseconds.
     */
    DRAIN_RESOLVERS_MS: z.coerce.number().int().min(0).default(0),
    /** What load shedding's limit of unary calls never falls below: the database queues a few, and none waits long. */
    MIN_IN_FLIGHT: z.coerce.number().int().positive().max(1_000).default(100),
    /** Faults to inject, as a JSON list; see packages/interceptors/src/server/fault.ts. Empty: none, and none can be switched on. */
    FAULTS: z.string().default(""),
    /** Least level of log lines. */
    LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  })
  .refine((config) => config.LEASE_MS >= config.PROVIDER_TIMEOUT_MS + MARGIN_MS, {
    path: ["LEASE_MS"],
    error: "must be at least PROVIDER_TIMEOUT_MS + 1000: nobody may take over while a request is under way",
  })
  .refine((config) => config.PROVIDER_SETTLE_MS >= config.PROVIDER_TIMEOUT_MS + MARGIN_MS, {
    path: ["PROVIDER_SETTLE_MS"],
    error: "must be at least PROVIDER_TIMEOUT_MS + 1000: a second request may not overtake the first",
  });
export type Config = Readonly<z.output<typeof Config>>;

/** @throws {ConfigError} With all problems at once. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const config = read(Config, env);
  // Charge and Refund have to answer what came of the request.
  const nesting = nestingProblems(
    ["Charge", "Refund"].map((method) => ({
      name: "PROVIDER_TIMEOUT_MS",
      ms: config.PROVIDER_TIMEOUT_MS,
      within: `/ecommerce.payment.v1.PaymentService/${method}`,
      marginMs: MARGIN_MS,
    })),
  );
  const problems = [...nesting, ...drainProblems(config)];
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}
