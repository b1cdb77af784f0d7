import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type Account, asAccount } from "./account.ts";

/**
 * Runs the server and stops it when standard input closes: on our request, and also when our process was killed and
 * could not request anything. A shell, because it costs 1 MB where a second Node would cost 40.
 *
 * Fast shutdown (SIGINT) first, then immediate shutdown (SIGQUIT), which the next start recovers from.
 */
const SCRIPT = `
exec 3<&0 </dev/null
log=$1; patience=$2; shift 2
"$@" 3<&- >>"$log" 2>&1 &
server=$!
echo "$server"
exec >/dev/null 2>&1
(
  read -r _ <&3
  kill -INT "$server"
  i=0
  while [ "$i" -lt "$patience" ]; do
    sleep 0.1
    kill -0 "$server" || exit 0
    i=$((i + 1))
  done
  kill -QUIT "$server"
) &
watcher=$!
exec 3<&-
wait "$server"
code=$?
kill "$watcher"
exit "$code"
`;

export interface Keeper {
  /** The server's process. */
  readonly pid: number;
  /** Resolves with the server's exit code when it has ended, for whatever reason. */
  readonly exited: Promise<number>;
  /** Asks the server to stop. */
  release(): void;
}

export interface KeeperOptions {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  account: Account | undefined;
  /** Where the server's output is appended. A file: a pipe that nobody reads would block the server. */
  log: string;
  cwd: string;
  /** How long the fast shutdown may take. Unit: milliseconds. @default 5_000 */
  fastShutdownMs?: number;
}

export async function startKeeper(options: KeeperOptions): Promise<Keeper> {
  const { command, args, env, account, log, cwd, fastShutdownMs = 5_000 } = options;
  const patience = String(Math.ceil(fastShutdownMs / 100));
  const shell = spawn("/bin/sh", ["-c", SCRIPT, "postgres-keeper", log, patience, command, ...args], {
    cwd,
    env,
    stdio: ["pipe", "pipe", "ignore"],
    // A session of its own: Ctrl-C in a terminal reaches the services first, the database when they are done.
    detached: true,
    ...asAccount(account),
  });
  const exited = exitOf(shell);
  const pid = Number(await Promise.race([firstLine(shell), exited.then(() => Number.NaN)]));
  if (!Number.isInteger(pid)) throw new Error("Cannot start PostgreSQL: its process ended at once");
  shell.stdout?.destroy();
  return { pid, exited, release: () => shell.stdin?.end() };
}

function exitOf(child: ChildProcess): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once("error", reject);
  child.once("exit", (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  return promise;
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) return "";
  for await (const line of createInterface({ input: child.stdout })) return line;
  return "";
}
