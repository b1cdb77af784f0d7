import { type DestinationStream, type Logger, pino } from "pino";
import { maskSecrets, maskText } from "./mask-secrets.ts";

export type { Logger } from "pino";

const SECRET_MEMBER = /("[^"]*(?:password|secret|token|authorization|cookie|private_?key)":)"(?:[^"\\]|\\.)*"/gi;

export interface LoggerOptions {
  /** Which program speaks; stands in every line. */
  service: string;
  /** Least level that is written: trace, debug, info, warn, error, fatal, silent. @default "info" */
  level?: string;
  /** Where the lines go. @default stdout, written at once, so that nothing is lost at exit */
  destination?: DestinationStream;
}

/** One JSON object a line. Amounts (bigint) become strings of digits; secrets and passwords in URLs become `***`. */
export function createLogger({ service, level = "info", destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => maskSecrets(fields) as Record<string, unknown>,
      },
      // The finished line once more: messages, errors and a child logger's own fields do not pass `formatters.log`.
      hooks: { streamWrite: (line) => maskText(line).replace(SECRET_MEMBER, '$1"***"') },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
}
