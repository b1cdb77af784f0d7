import { readConfig as read } from "@holdfast/process";
import { z } from "zod";

const Routes = z
  .string()
  .transform((text) => text.split(/[,\s]+/).filter((part) => part !== ""))
  .pipe(
    z.array(z.string().regex(/^\d{1,5}=[^=:]+:\d{1,5}$/, "must be <port>=<host>:<port>, with commas between")).min(1),
  )
  .transform((parts) =>
    parts.map((part) => {
      const [port, host = "", targetPort] = part.split(/[=:]/);
      return { port: Number(port), target: { host, port: Number(targetPort) } };
    }),
  )
  .refine((routes) => routes.every(({ port, target }) => port <= 65_535 && target.port > 0 && target.port <= 65_535), {
    message: "must have ports up to 65535",
  });

export const Config = z.object({
  /** Which port leads where, `50051=payment-service.payments.svc.cluster.local:50051`, with commas or blanks between. */
  ROUTES: Routes,
  /** The address to listen on. */
  LISTEN_HOST: z.string().default("127.0.0.1"),
  /** How long a connection is kept waiting while no instance takes it. Unit: milliseconds. */
  WAIT_MS: z.coerce.number().int().positive().default(10_000),
  /** Longest time between a signal and the end of the process. Unit: milliseconds. */
  DRAIN_MS: z.coerce.number().int().positive().default(4_000),
  /** Least level of log lines. */
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
});
export type Config = Readonly<z.output<typeof Config>>;

/** @throws {ConfigError} With all problems at once. */
export const readConfig = (env: NodeJS.ProcessEnv): Config => read(Config, env);
