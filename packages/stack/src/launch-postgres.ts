import { constants } from "node:os";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@holdfast/storage/embedded";
import type { Exit, Run } from "./run.ts";
import { sendSignal } from "./send-signal.ts";
import { StackError } from "./stack-error.ts";

const SIGNALLED = 128;
const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

export interface PostgresRun extends Run {
  readonly server: EmbeddedPostgres;
}

/** Starts the database server; it serves when this resolves. @throws {StackError} */
export async function launchPostgres(options: {
  folder: string;
  port: number;
  onProgress: (message: string) => void;
  signal: AbortSignal;
}): Promise<PostgresRun> {
  const server = await startEmbeddedPostgres(options).catch((cause: Error) => {
    throw new StackError(cause.message, { cause });
  });
  return {
    server,
    pid: server.pid,
    serving: Promise.resolve(),
    exited: server.exited.then(toExit),
    kill: (signal) => sendSignal(server.pid, signal),
  };
}

/** Its keeper is a shell, which tells a signal as 128 + its number. */
function toExit(code: number): Exit {
  const signal = SIGNAL_NAMES.get(code - SIGNALLED);
  return signal === undefined ? { code, signal: null } : { code: null, signal: signal as NodeJS.Signals };
}
