import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chown, cp, lstat, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";
import { type Account, canUse } from "./account.ts";

/** Unlike /tmp, it survives a restart of the machine. */
const SHARED_FOLDER = "/var/tmp";

/** Where a cluster lives on disk, all of it owned by the account that runs it. */
export interface Place {
  /** The folder that holds everything of the cluster. */
  readonly folder: string;
  readonly data: string;
  /** The superuser's password, mode 0600. */
  readonly password: string;
  readonly log: string;
  /** Exists once initdb has finished: holds the major version. */
  readonly initialised: string;
  /** The process that has the cluster, by id and start. */
  readonly owner: string;
}

export function placeIn(folder: string): Place {
  return {
    folder,
    data: join(folder, "data"),
    password: join(folder, "password"),
    log: join(folder, "server.log"),
    initialised: join(folder, "initialised"),
    owner: join(folder, "owner.pid"),
  };
}

/** The substitute for a folder that the account cannot reach, such as one below /root. */
export function substituteFor(folder: string): string {
  const hash = createHash("sha256").update(resolve(folder)).digest("hex").slice(0, 12);
  return join(SHARED_FOLDER, `holdfast-postgres-${hash}`);
}

/** Where the cluster of a folder may be, whether it is there or not. */
export function possiblePlaces(wanted: string): readonly Place[] {
  return [placeIn(resolve(wanted)), placeIn(substituteCluster(wanted))];
}

const substituteCluster = (wanted: string) => join(substituteFor(wanted), "cluster");

/** Makes the cluster's folder: the wanted one, or its substitute if the account cannot reach that. */
export async function choosePlace(
  wanted: string,
  account: Account | undefined,
  onProgress: (message: string) => void,
): Promise<Place> {
  const folder = resolve(wanted);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  if (account !== undefined) await chown(folder, account.uid, account.gid);
  if (await canUse(account, folder, "write")) return placeIn(folder);
  if (account === undefined) throw new Error(`Cannot keep a database in "${folder}": no permission to write there`);

  await ownFolder(substituteFor(folder));
  const cluster = substituteCluster(folder);
  await mkdir(cluster, { recursive: true, mode: 0o755 });
  await chown(cluster, account.uid, account.gid);
  onProgress(`the user "${account.name}" cannot reach ${folder}: the database is kept in ${cluster}`);
  return placeIn(cluster);
}

/** The binaries, copied once to the substitute folder if the account cannot run them where they are. */
export async function reachableBinaries(
  native: string,
  wanted: string,
  account: Account | undefined,
  onProgress: (message: string) => void,
): Promise<string> {
  if (await canUse(account, join(native, "bin", "postgres"), "run")) return native;
  if (account === undefined) throw new Error(`Cannot run PostgreSQL: no permission to execute what is in "${native}"`);

  const substitute = await ownFolder(substituteFor(wanted));
  const copy = join(substitute, "binaries");
  const source = join(substitute, "binaries.source");
  const copied = await readFile(source, "utf8").catch(() => ""); // not copied yet
  if (copied === native) return copy;
  onProgress(`the user "${account.name}" cannot run ${native}: copying it to ${copy}`);
  await rm(source, { force: true });
  await rm(copy, { recursive: true, force: true });
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  await promisify(execFile)("chmod", ["-R", "a+rX", copy]); // the copy keeps modes, and a strict umask with them
  await writeFile(`${source}.new`, native);
  await rename(`${source}.new`, source);
  return copy;
}

/** A folder in a place where everybody may write: taken only if it is ours, or another user could swap the binaries. */
async function ownFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  const found = await lstat(path);
  const ours = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
  if (!ours) throw new Error(`Cannot use "${basename(path)}" in ${SHARED_FOLDER}: it belongs to somebody else`);
  return path;
}
