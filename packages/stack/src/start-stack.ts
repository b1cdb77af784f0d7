import { mkdir } from "node:fs/promises";
import { startClusterDns } from "@holdfast/discovery/dns-server/cluster-dns";
import { boundLogs } from "./bound-logs.ts";
import { choosePorts, type PortNames } from "./choose-ports.ts";
import { clusterServices } from "./cluster-services.ts";
import { databasePasswords } from "./database-passwords.ts";
import { endAtOnce } from "./end-at-once.ts";
import { endLeftovers } from "./end-leftovers.ts";
import { forgetData } from "./forget-data.ts";
import { isStopping } from "./is-stopping.ts";
import { keepStackFile } from "./keep-stack-file.ts";
import { lockFolder } from "./lock-folder.ts";
import { makeFolder } from "./make-folder.ts";
import { orAborted } from "./or-aborted.ts";
import { CLUSTER_DOMAIN, SERVICE_NAMES, type ServiceName } from "./programs.ts";
import type { StackEvent } from "./stack-event.ts";
import type { StackFile } from "./stack-file.ts";
import { type StackFolder, stackFolder } from "./stack-folder.ts";
import { startProcesses } from "./start-processes.ts";
import { type StackProcesses, stopInOrder } from "./stop-in-order.ts";

export interface StartStackOptions {
  /** Keeps data, logs and passwords. Made if it is missing; one stack a folder at a time. */
  folder: string;
  /** Ports on 127.0.0.1; 0 takes any free one. @default {@link DEFAULT_PORTS} */
  ports?: Partial<Record<PortNames, number>>;
  /** Instances of each service, at least 1. @default 1 of each */
  replicas?: Partial<Record<ServiceName, number>>;
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
export interface Stack extends AsyncDisposable, Omit<StackFile, "pid" | "pids" | "identities" | "stopping"> {
  readonly folder: StackFolder;
  readonly processes: StackProcesses;
  /** Starts or stops instances of a service until there are that many. Resolves when they serve. */
  scale(service: ServiceName, count: number): Promise<void>;
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
  const { onEvent = () => {}, signal = new AbortController().signal, env = {}, replicas = {} } = options;
  const folder = stackFolder(options.folder);
  const say = (message: string) => onEvent({ kind: "progress", process: "stack", message });

  await using setup = new AsyncDisposableStack();
  await makeFolder(folder);
  setup.use(await lockFolder(folder, { isStopping: () => isStopping(folder), onWait: say }));
  await endLeftovers(folder, say);
  if (options.fresh === true) await forgetData(folder, { onProgress: say, signal });
  for (const path of [folder.logs, folder.provider]) await mkdir(path, { recursive: true });
  const ports = await choosePorts(options.ports ?? {});
  const passwords = await databasePasswords(folder);
  signal.throwIfAborted();

  const { providerFile, logs } = folder;
  const dns = setup.use(await startClusterDns({ domain: CLUSTER_DOMAIN }));
  const targets = perService((name) => `127.0.0.1:${ports[name]}`);
  const databaseUrls = perService(
    (name) => `postgresql://${name}:${passwords.of[name]}@127.0.0.1:${ports.postgres}/${name}`,
  );
  const providerUrl = `http://127.0.0.1:${ports.provider}`;
  const facts = { targets, clusterDns: dns.server, databaseUrls, providerUrl, providerFile, logs };

  const file = keepStackFile(folder.stackFile, { pid: process.pid, ...facts }, say);
  setup.defer(() => file.written());
  setup.use(boundLogs(logs));
  const { processes, allServing } = startProcesses({
    folder,
    ports,
    passwords,
    surroundings: { databaseUrls, providerUrl, clusterDns: dns.server, env },
    replicas: perService((name) => replicas[name] ?? 1),
    onEvent(event) {
      file.onEvent(event);
      onEvent(event);
    },
    onServing: (instances) => dns.set(clusterServices(instances)),
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
  const end = () => endAtOnce(processes);
  const scale = (service: ServiceName, count: number) => processes.instances.scale(service, count);
  return { ...facts, folder, processes, scale, adminUrl, stop, end, [Symbol.asyncDispose]: stop };
}

function perService<Value>(value: (name: ServiceName) => Value): Record<ServiceName, Value> {
  return Object.fromEntries(SERVICE_NAMES.map((name) => [name, value(name)])) as Record<ServiceName, Value>;
}
