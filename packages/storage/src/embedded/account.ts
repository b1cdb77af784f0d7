import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The user that PostgreSQL runs as, where that is not our own. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root: root lends it the account `postgres`, or `nobody` where there is none. `undefined`
 * means our own user.
 *
 * @throws {Error} As root on a machine with neither.
 */
export async function postgresAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const account = await find(name);
    if (account !== undefined) return account;
  }
  throw new Error('Cannot start PostgreSQL as root: this machine has no user "postgres" or "nobody" to run it as');
}

/** Whether the account can run a program, or enter and write a folder: asked by trying, not by reading permissions. */
export async function canUse(account: Account | undefined, path: string, what: "run" | "write"): Promise<boolean> {
  const test = what === "run" ? 'test -x "$0"' : 'test -w "$0" && test -x "$0"';
  return succeeds(run("/bin/sh", ["-c", test, path], { cwd: "/", ...asAccount(account) }));
}

/** The options of `node:child_process` that run a program as the account. */
export function asAccount(account: Account | undefined): { uid?: number; gid?: number } {
  return account === undefined ? {} : { uid: account.uid, gid: account.gid };
}

async function find(name: string): Promise<Account | undefined> {
  const [uid, gid] = await Promise.all([id("-u", name), id("-g", name)]);
  return uid === undefined || gid === undefined || uid === 0 ? undefined : { name, uid, gid };
}

async function id(flag: string, name: string): Promise<number | undefined> {
  const found = await run("id", [flag, name]).catch(() => undefined); // `id` fails for a user that does not exist
  return found === undefined ? undefined : Number(found.stdout);
}

async function succeeds(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}
