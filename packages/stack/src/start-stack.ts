import { mkdir } from "node:fs/promises";
import { boundLogs } from "./bound-logs.ts";
import { choosePorts, type PortNames } from "./choose-ports.ts";
import { databasePasswords } from "./database-passwords.ts";
import { endLeftovers } from "./end-leftovers.ts";
import { forgetData } from "./forget-data.ts";
import { keepStackFile } from "./keep-stack-file.ts";
import { lockFolder } from "./lock-folder.ts";
import { makeFolder } from "./make-folder.ts";
import { orAborted } from "./or-aborted.ts";
import { programs, SERVICE_NAMES, type ServiceName } from "./programs.ts";
import type { StackEvent } from "./stack-event.ts";
import { readStackFile, type StackFile } from "./stack-file.ts";
import { type StackFolder, stackFolder } from "./stack-folder.ts";
import { startProcesses } from "./start-processes.ts";
import { type StackProcesses, stopInOrder } from "./stop-in-order.ts";

export interface StartStackOptions {
  /** Keeps data, logs and passwords. Made if it is missing; one stack a folder at a time. */
  folder: string;
  /** Ports on 127.0.0.1; 0 takes any free one. @default {@link DEFAULT_PORTS} */
  ports?: Partial<Record<PortNames, number>>;
  /** Goes to every program, on top of this process's environment. @default {} */
  env?: Readonly<Record<string, string>>;
  /** Forget the data of earlier starts. @default false */
  fresh?: boolean;
  /** Aborted: gives up starting and stops what was started. @default never */
  signal?: AbortSignal;
  /** @default nothing */
  onEvent?: (event: StackEvent) => void;
}

/** The whole system, running. Dispose to stop it. */
export interface Stack extends AsyncDisposable, Omit<StackFile, "pid" | "pids" | "stopping"> {
  readonly folder: StackFolder;
  readonly processes: StackProcesses;
  /** The database server's superuser: for those who check, not for those who serve. */
  readonly adminUrl: string;
  /** Stops all in order, within 5 s. May be called again. */
  stop(): Promise<void>;
  /** Ends all at once, for who does not want to wait for `stop()`. The database recovers at the next start. */
  end(): void;
}

/**
 * Starts PostgreSQL, the payment provider and the three services as processes of their own, and resolves when all of them
 * serve. What ends is started again until the stack is stopped. Nothing stays behind when this process is killed.
 *
 * @throws {StackError} With a message for the user. Whatever was started has been stopped then.
 */
export async function startStack(options: StartStackOptions): Promise<Stack> {
  const { onEvent = () => {}, signal = new AbortController().signal, env = {} } = options;
  const folder = stackFolder(options.folder);
  const say = (message: string) => onEvent({ kind: "progress", process: "stack", message });

  await using setup = new AsyncDisposableStack();
  await makeFolder(folder);
  const isStopping = async () => (await readStackFile(folder.path)).stopping === true;
  setup.use(await lockFolder(folder, { isStopping, onWait: say }));
  await endLeftovers(folder, say);
  if (options.fresh === true) await forgetData(folder);
  for (const path of [folder.logs, folder.provider]) await mkdir(path, { recursive: true });
  const ports = await choosePorts(options.ports ?? {});
  const passwords = await databasePasswords(folder);
  signal.throwIfAborted();

  const { providerFile, logs } = folder;
  const targets = perService((name) => `127.0.0.1:${ports[name]}`);
  const databaseUrls = perService(
    (name) => `postgresql://${name}:${passwords.of[name]}@127.0.0.1:${ports.postgres}/${name}`,
  );
  const providerUrl = `http://127.0.0.1:${ports.provider}`;
  const facts = { targets, databaseUrls, providerUrl, providerFile, logs };

  const file = keepStackFile(folder.stackFile, { pid: process.pid, ...facts }, say);
  setup.defer(() => file.written());
  setup.use(boundLogs(logs));
  const { processes, allServing } = startProcesses({
    folder,
    postgresPort: ports.postgres,
    passwords,
    programs: programs({ ports, databaseUrls, providerFile, env }),
    targets,
    onEvent(event) {
      file.onEvent(event);
      onEvent(event);
    },
  });
  setup.defer(() => {
    file.stop();
    return stopInOrder(processes);
  });
  const adminUrl = await orAborted(allServing, signal);
  await file.written();

  const running = setup.move();
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= running.disposeAsync());
  const end = () => {
    const { postgres, ...programs } = processes;
    for (const program of Object.values(programs)) program.kill("SIGKILL");
    postgres.kill("SIGQUIT");
  };
  return { ...facts, folder, processes, adminUrl, stop, end, [Symbol.asyncDispose]: stop };
}

function perService(value: (name: ServiceName) => string): Record<ServiceName, string> {
  return Object.fromEntries(SERVICE_NAMES.map((name) => [name, value(name)])) as Record<ServiceName, string>;
}
