import { readFile } from "node:fs/promises";
import type { ServiceName } from "./programs.ts";
import { StackError } from "./stack-error.ts";
import { stackFolder } from "./stack-folder.ts";

/** What runs where, for tools that work with a running stack. Kept in `stack.json` while it runs, and after. */
export interface StackFile {
  /** The process that runs the stack. */
  readonly pid: number;
  /** `host:port` of the first instance of each service. The others are found by its name in the cluster. */
  readonly targets: Readonly<Record<ServiceName, string>>;
  /** `ip:port` of the server that answers for `cluster.local`. */
  readonly clusterDns: string;
  /** Each service's own database, as its own role. With password. */
  readonly databaseUrls: Readonly<Record<ServiceName, string>>;
  readonly providerUrl: string;
  /** The provider's append-only file of effects. */
  readonly providerFile: string;
  readonly logs: string;
  /** The process ids of what runs now; a process that is being started again is missing. */
  readonly pids: Readonly<Record<string, number>>;
  /** Each of those ids with what tells its process from a later one of the same id. */
  readonly identities?: readonly string[];
  /** Set while it is about to end. */
  readonly stopping?: boolean;
}

/** @throws {StackError} If no stack was ever started in the folder. */
export async function readStackFile(path: string): Promise<StackFile> {
  const folder = stackFolder(path);
  try {
    return JSON.parse(await readFile(folder.stackFile, "utf8")) as StackFile;
  } catch (cause) {
    throw new StackError(`Cannot find a stack in "${folder.path}": start one with npm start`, { cause });
  }
}
