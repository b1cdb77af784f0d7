import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Account, asAccount } from "./account.ts";
import type { Place } from "./place.ts";
import { undefinedIfMissing } from "./undefined-if-missing.ts";

const run = promisify(execFile);

/** The role that owns the cluster. Only provisioning uses it, services have roles of their own. */
export const SUPERUSER = "postgres";

export interface InitialiseOptions {
  place: Place;
  /** The folder with `bin`, `lib` and `share`. */
  binaries: string;
  account: Account | undefined;
  env: NodeJS.ProcessEnv;
  onProgress: (message: string) => void;
  signal: AbortSignal;
}

/**
 * Makes the data folder with `initdb`, unless a complete one is there, and returns the superuser's password. One that is
 * half made, because initdb was killed, is made again.
 *
 * @throws {Error} If the data was made by another major version, or what says so cannot be read. The signal's reason if that
 * aborts before it is made.
 */
export async function initialiseCluster(options: InitialiseOptions): Promise<string> {
  const { place, binaries, account, onProgress } = options;
  const { stdout } = await run(join(binaries, "bin", "postgres"), ["--version"], { cwd: "/", ...asAccount(account) });
  const version = /\d+/.exec(stdout)?.[0] ?? stdout;
  const made = await readFile(place.initialised, "utf8").catch(undefinedIfMissing); // not made yet, or only half
  if (made === version) return readFile(place.password, "utf8");
  if (made !== undefined) {
    throw new Error(`Cannot open the database in "${place.folder}": PostgreSQL ${made} made it, this is ${version}`);
  }

  onProgress("creating the database cluster, takes a few seconds");
  await rm(place.data, { recursive: true, force: true });
  await mkdir(place.data, { mode: 0o700 });
  const password = randomBytes(24).toString("base64url");
  await rm(place.password, { force: true });
  await writeFile(place.password, password, { mode: 0o600 });
  if (account !== undefined) {
    await chown(place.data, account.uid, account.gid);
    await chown(place.password, account.uid, account.gid);
  }
  await runInitdb(options);
  await writeFile(place.initialised, version);
  return password;
}

async function runInitdb({ place, binaries, account, env, signal }: InitialiseOptions): Promise<void> {
  signal.throwIfAborted();
  const args = [
    `--pgdata=${place.data}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${place.password}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    // The same order of strings on every machine, whatever its locales are.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
  ];
  const initdb = run(join(binaries, "bin", "initdb"), args, { cwd: place.folder, env, ...asAccount(account) });
  const end = () => initdb.child.kill(); // the option `signal` would not wait for its end
  signal.addEventListener("abort", end);
  try {
    await initdb;
  } catch (cause) {
    signal.throwIfAborted();
    const said = (cause as { stderr?: string }).stderr?.trim() ?? "";
    throw new Error(`Cannot create the database cluster in "${place.folder}": ${said}`, { cause });
  } finally {
    signal.removeEventListener("abort", end);
  }
}
