import { provision } from "@holdfast/storage";
import { type DatabasePasswords, markProvisioned } from "./database-passwords.ts";
import { launchPostgres } from "./launch-postgres.ts";
import { launchProgram } from "./launch-program.ts";
import { orAborted } from "./or-aborted.ts";
import { type Program, type ProgramName, SERVICE_NAMES, type ServiceName } from "./programs.ts";
import type { StackEvent } from "./stack-event.ts";
import type { StackFolder } from "./stack-folder.ts";
import type { StackProcesses } from "./stop-in-order.ts";
import { supervise } from "./supervise.ts";
import { waitUntilServing } from "./wait-until-serving.ts";

export interface StartProcessesOptions {
  folder: StackFolder;
  postgresPort: number;
  passwords: DatabasePasswords;
  programs: Readonly<Record<ProgramName, Program>>;
  targets: Readonly<Record<ServiceName, string>>;
  onEvent: (event: StackEvent) => void;
}

export interface StartedProcesses {
  readonly processes: StackProcesses;
  /** Resolves with the superuser's URL when all of them serve. @throws {StackError} When one cannot be started. */
  readonly allServing: Promise<string>;
}

/** Starts everything at once. Who needs something that does not answer yet waits for it by itself. */
export function startProcesses(options: StartProcessesOptions): StartedProcesses {
  const { folder, postgresPort, passwords, programs, targets, onEvent } = options;
  const onProgress = (message: string) => onEvent({ kind: "progress", process: "postgres", message });

  let adminUrl = "";
  const postgres = supervise({
    name: "postgres",
    stopSignal: "SIGINT", // fast shutdown; SIGTERM would wait for every client
    endSignal: "SIGQUIT", // takes its children with it, as SIGKILL does not
    onEvent,
    async launch() {
      const run = await launchPostgres({ folder: folder.postgres, port: postgresPort, onProgress });
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

  const service = (name: ServiceName) =>
    supervise({
      name,
      onEvent,
      async launch(stopping) {
        await orAborted(knowsServices, stopping);
        const answers = (ended: AbortSignal) => waitUntilServing(targets[name], ended);
        return launchProgram(programs[name], { logs: folder.logs, answers });
      },
    });
  const provider = supervise({
    name: "provider",
    onEvent,
    launch: () => launchProgram(programs.provider, { logs: folder.logs, answers: () => Promise.resolve() }),
  });
  const processes = {
    postgres,
    provider,
    payment: service("payment"),
    product: service("product"),
    order: service("order"),
  };
  const ready = Object.values(processes).map((one) => one.ready());
  return { processes, allServing: Promise.all([provisioned, ...ready]).then(() => adminUrl) };
}
