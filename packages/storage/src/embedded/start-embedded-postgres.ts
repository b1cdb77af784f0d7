import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Account, postgresAccount } from "./account.ts";
import { packagedBinaries } from "./binaries.ts";
import { claim } from "./claim.ts";
import { freePort } from "./free-port.ts";
import { initialiseCluster, SUPERUSER } from "./initialise-cluster.ts";
import { type Keeper, startKeeper } from "./keeper.ts";
import { choosePlace, type Place, possiblePlaces, reachableBinaries, substituteFor } from "./place.ts";
import { endOrphan, isAlive, readPostmaster } from "./postmaster.ts";
import { serverSettings } from "./settings.ts";

export { processIdentity } from "./process-identity.ts";

const POLL_MS = 10;
/** Recovery after a crash replays at most `max_wal_size`. */
const READY_WITHIN_MS = 60_000;
const LOG_TAIL_LINES = 5;

export interface StartEmbeddedPostgresOptions {
  /** Where the cluster is kept between runs. Made if it is missing. */
  folder: string;
  /** Port on 127.0.0.1; 0 takes any free one. @default 0 */
  port?: number;
  /** Called with a sentence whenever something takes time or is done another way than expected. @default nothing */
  onProgress?: (message: string) => void;
  /** Aborted: gives up starting, and ends at once what does not serve yet. @default never */
  signal?: AbortSignal;
}

export type RemoveEmbeddedPostgresOptions = Pick<StartEmbeddedPostgresOptions, "onProgress" | "signal">;

/** A running PostgreSQL server of our own. Dispose to stop it. */
export interface EmbeddedPostgres extends AsyncDisposable {
  readonly port: number;
  /** The server's process. */
  readonly pid: number;
  /** Connects as the superuser. For provisioning, not for services. */
  readonly adminUrl: string;
  url(database: string, role: string, password: string): string;
  /** Rolls open transactions back and ends, by force after 5 s. May be called again. */
  stop(): Promise<void>;
  /** Resolves with the exit code when the server has ended: stopped, crashed or killed. */
  readonly exited: Promise<number>;
}

/**
 * Starts a real PostgreSQL from the binaries that npm installed, with its data in `folder`.
 *
 * It ends with this process, also when that is killed, and ignores Ctrl-C until told to stop. Needs no privilege; as root
 * it runs as another account, in a folder below /var/tmp where that cannot reach `folder`.
 *
 * @throws {Error} With a message for the user: port in use, folder in use, no permission, server does not start. The
 * signal's reason if that aborts.
 */
export async function startEmbeddedPostgres(options: StartEmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { folder, onProgress = () => {}, signal = new AbortController().signal } = options;
  const account = await postgresAccount();
  const binaries = await reachableBinaries(packagedBinaries(), folder, account, onProgress);
  const place = await choosePlace(folder, account, onProgress);
  await using setup = new AsyncDisposableStack();
  setup.use(await claim(place));
  await endOrphan(place.data, onProgress, signal);
  const port = await freePort(options.port ?? 0);
  const env = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" };
  const password = await initialiseCluster({ place, binaries, account, env, onProgress, signal });
  const keeper = await startServer({ place, binaries, account, env, port, onProgress, signal });
  const claimed = setup.move();

  const url = (database: string, role: string, secret: string) =>
    `postgresql://${encodeURIComponent(role)}:${encodeURIComponent(secret)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  const exited = keeper.exited.then(async (code) => {
    keeper.release();
    await claimed.disposeAsync();
    return code;
  });
  const stop = async () => {
    keeper.release();
    await exited;
  };
  return {
    port,
    pid: keeper.pid,
    adminUrl: url("postgres", SUPERUSER, password),
    url,
    stop,
    exited,
    [Symbol.asyncDispose]: stop,
  };
}

/**
 * Deletes the cluster of a folder and whatever was kept elsewhere for it. A server that an earlier run left on it is ended
 * before: with its data gone, nobody would find it any more.
 *
 * @throws {Error} If that server does not stop. The signal's reason if that aborts.
 */
export async function removeEmbeddedPostgres(
  folder: string,
  { onProgress = () => {}, signal = new AbortController().signal }: RemoveEmbeddedPostgresOptions = {},
): Promise<void> {
  for (const { data } of possiblePlaces(folder)) await endOrphan(data, onProgress, signal);
  await rm(folder, { recursive: true, force: true });
  await rm(substituteFor(folder), { recursive: true, force: true });
}

interface Server {
  place: Place;
  binaries: string;
  account: Account | undefined;
  env: NodeJS.ProcessEnv;
  port: number;
  onProgress: (message: string) => void;
  signal: AbortSignal;
}

async function startServer(server: Server): Promise<Keeper> {
  const { place, binaries, account, env, port, signal } = server;
  const settings = Object.entries(serverSettings(port)).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const command = join(binaries, "bin", "postgres");
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  for (;;) {
    signal.throwIfAborted();
    await rename(place.log, `${place.log}.1`).catch(() => undefined); // the first start has no log yet
    const args = ["-D", place.data, ...settings];
    const keeper = await startKeeper({ command, args, env, account, log: place.log, cwd: place.folder });
    if (await becomesReady(keeper, server, giveUpAt)) return keeper;
    // Nobody uses it yet, so there is nothing to end orderly: the next start recovers.
    if (signal.aborted && isAlive(keeper.pid)) process.kill(keeper.pid, "SIGQUIT");
    keeper.release();
    await keeper.exited;
    signal.throwIfAborted();
    const log = await readFile(place.log, "utf8");
    // The processes of a server that was killed need a moment to notice it.
    const leftovers = log.includes("pre-existing shared memory block");
    if (leftovers && performance.now() < giveUpAt) {
      await sleep(100);
      continue;
    }
    throw new Error(`Cannot start PostgreSQL: ${log.trim().split("\n").slice(-LOG_TAIL_LINES).join("\n")}`);
  }
}

/** `false`: it has ended, its time is over, or it shall not go on. */
async function becomesReady(keeper: Keeper, { place, onProgress, signal }: Server, giveUpAt: number): Promise<boolean> {
  const gone = keeper.exited.then(() => "gone" as const);
  let sayAt = performance.now() + 2_000;
  while (performance.now() < giveUpAt) {
    const postmaster = await readPostmaster(place.data);
    const hearsSignals = postmaster?.pid === keeper.pid; // before that it would miss them
    if (hearsSignals && signal.aborted) return false;
    if (hearsSignals && postmaster.ready) return true;
    if ((await Promise.race([gone, sleep(POLL_MS)])) === "gone") return false;
    if (performance.now() < sayAt) continue;
    onProgress("the database is still starting");
    sayAt += 2_000;
  }
  return false;
}
