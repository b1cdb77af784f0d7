import { provision } from "@holdfast/storage";
import { type DatabasePasswords, markProvisioned } from "./database-passwords.ts";
import { launchPostgres } from "./launch-postgres.ts";
import { launchProgram } from "./launch-program.ts";
import { orAborted } from "./or-aborted.ts";
import { providerProgram, SERVICE_NAMES, type ServiceName, type Surroundings } from "./programs.ts";
import { ServiceInstances } from "./service-instances.ts";
import type { StackEvent } from "./stack-event.ts";
import type { StackFolder } from "./stack-folder.ts";
import { SERVICES_WITHIN_MS, type StackProcesses } from "./stop-in-order.ts";
import { supervise } from "./supervise.ts";

export interface StartProcessesOptions {
  folder: StackFolder;
  ports: Readonly<Record<ServiceName | "provider" | "postgres", number>>;
  passwords: DatabasePasswords;
  surroundings: Surroundings;
  replicas: Readonly<Record<ServiceName, number>>;
  onEvent: (event: StackEvent) => void;
  /** An instance has begun or ceased to serve. */
  onServing: (instances: ServiceInstances) => void;
}

export interface StartedProcesses {
  readonly processes: StackProcesses;
  /** Resolves with the superuser's URL when all of them serve. @throws {StackError} When one cannot be started. */
  readonly allServing: Promise<string>;
}

/** Starts everything at once. Who needs something that does not answer yet waits for it by itself. */
export function startProcesses(options: StartProcessesOptions): StartedProcesses {
  const { folder, ports, passwords, surroundings, replicas, onEvent, onServing } = options;
  const { logs, providerFile } = folder;
  const onProgress = (message: string) => onEvent({ kind: "progress", process: "postgres", message });

  let adminUrl = "";
  const postgres = supervise({
    name: "postgres",
    stopSignal: "SIGINT", // fast shutdown; SIGTERM would wait for every client
    endSignal: "SIGQUIT", // takes its children with it, as SIGKILL does not
    onEvent,
    async launch(signal) {
      const run = await launchPostgres({ folder: folder.postgres, port: ports.postgres, onProgress, signal });
      adminUrl = run.server.adminUrl;
      return run;
    },
  });
  async function provisionDatabases(): Promise<void> {
    await postgres.ready();
    const databases = SERVICE_NAMES.map((name) => ({ name, password: passwords.of[name] }));
    await provision(adminUrl, databases);
    await markProvisioned(folder, passwords);
  }
  const provisioned = provisionDatabases();
  // A service waits for a database that does not answer, but gives up at one that does not know it.
  const knowsServices = passwords.areKnown ? Promise.resolve() : provisioned;

  const provider = supervise({
    name: "provider",
    onEvent,
    launch: () =>
      launchProgram(providerProgram(ports.provider, providerFile, surroundings.env), {
        logs,
        answers: () => Promise.resolve(),
      }),
  });
  const instances: ServiceInstances = new ServiceInstances({
    ports,
    surroundings,
    logs,
    stopWithinMs: SERVICES_WITHIN_MS,
    before: (stopping) => orAborted(knowsServices, stopping),
    onEvent,
    onServing: () => onServing(instances),
  });
  const ready = SERVICE_NAMES.map((name) => instances.scale(name, replicas[name]));
  const all = Promise.all([provisioned, postgres.ready(), provider.ready(), ...ready]);
  return { processes: { postgres, provider, instances }, allServing: all.then(() => adminUrl) };
}
