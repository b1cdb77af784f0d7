import { readConfig as read } from "@holdfast/process";
import { z } from "zod";
import { MODES } from "./domain/mode.ts";

const HostAndPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^:\s]+):\d{1,5}$/, "must be <host>:<port>, as 127.0.0.1:50059 or [::1]:50059")
  .transform((text) => {
    const at = text.lastIndexOf(":");
    return { host: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
  })
  .refine(({ port }) => port <= 65_535, "must have a port up to 65535");

export const Config = z.object({
  /** Where to listen. Port 0 takes any free one. The admin calls have no password: loopback, or a closed network. */
  PROVIDER_LISTEN: HostAndPort.prefault("127.0.0.1:50059"),
  /** The append-only file of effects. No default: a wrong one would forget what was captured. */
  PROVIDER_FILE: z.string(),
  /** How it behaves from the start on. */
  PROVIDER_MODE: z.enum(MODES).default("ok"),
  /** true: every request has an effect of its own, as at a provider without idempotency keys. */
  PROVIDER_IGNORE_IDEMPOTENCY_KEYS: z.stringbool().default(false),
  /** How long a slow answer takes. Unit: milliseconds. */
  SLOW_MS: z.coerce.number().int().min(0).max(60_000).default(2_000),
  /** How long requests may take to end after SIGTERM; longer than a slow answer. Unit: milliseconds. */
  DRAIN_MS: z.coerce.number().int().positive().default(4_000),
  /** Least level of log lines. */
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
});
export type Config = Readonly<z.output<typeof Config>>;

/** @throws {ConfigError} With all problems at once. */
export const readConfig = (env: NodeJS.ProcessEnv): Config => read(Config, env);
