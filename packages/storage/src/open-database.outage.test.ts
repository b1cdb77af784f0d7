import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTestDatabase, type TestDatabase } from "@holdfast/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmbeddedPostgres } from "./embedded/start-embedded-postgres.ts";
import { type Database, openDatabase, sql } from "./index.ts";
import { type Observer, observe } from "./testing/observer.ts";
import { cancellable, within } from "./testing/scopes.ts";

const HOLD_TRANSACTION = fileURLToPath(new URL("testing/hold-transaction.fixture.ts", import.meta.url));

/** 50 ms after the deadline and 100 ms after the death, on a machine that has nothing else to do. */
const ENDED_WITHIN_MS = 400;

let own: TestDatabase;
let observer: Observer;
beforeAll(async () => {
  own = await createTestDatabase();
  observer = await observe(own.adminUrl);
  await using database = openDatabase({ url: own.url });
  await database.transaction(within(5_000), (tx) => sql`create table note (text text)`.execute(tx));
});
afterAll(async () => {
  await observer[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
});

const selectOne = (database: Database<unknown>, scope = within(2_000)) =>
  database.transaction(scope, (tx) => sql`select 1`.execute(tx));

const locks = async () => (await observer.query("select from pg_locks where relation = 'note'::regclass")).length;

interface Holder extends AsyncDisposable {
  /** Of its transaction. Unit: milliseconds since the epoch. */
  readonly deadline: number;
  kill(signal: NodeJS.Signals): void;
}

/** A process that holds a transaction open, as if it were in the middle of a request. */
async function holder(state: "idle" | "running", deadlineMs: number): Promise<Holder> {
  const child = spawn(process.execPath, [HOLD_TRANSACTION, own.url, state, String(deadlineMs)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("The process has no output");
  const [deadline] = await once(child.stdout, "data");
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  return { deadline: Number(deadline), kill: (signal) => child.kill(signal), [Symbol.asyncDispose]: end };
}

describe.each(["idle", "running"] as const)("a process whose transaction is %s", (state) => {
  test("leaves no statement and no lock behind 400 ms after its deadline when it is frozen", async () => {
    await using process = await holder(state, 1_500);
    process.kill("SIGSTOP");
    expect(await locks()).not.toBe(0);
    expect(Date.now()).toBeLessThan(process.deadline);
    await expect.poll(locks, { interval: 5, timeout: 5_000 }).toBe(0);
    expect(Date.now() - process.deadline).toBeGreaterThanOrEqual(0); // it was the deadline, not the freezing
    expect(Date.now() - process.deadline).toBeLessThan(ENDED_WITHIN_MS);
    expect(
      await observer.query("select from pg_stat_activity where state = 'active' and application_name = 'held'"),
    ).toEqual([]);
    expect(await observer.query("select from note")).toEqual([]);
    await expect.poll(() => observer.busy(), { interval: 10, timeout: 5_000 }).toEqual([]); // not even a session
  });

  test("leaves nothing behind after 400 ms when it is killed", async () => {
    await using process = await holder(state, 60_000);
    process.kill("SIGKILL");
    const killedAt = performance.now();
    await expect.poll(() => observer.busy(), { interval: 5, timeout: 5_000 }).toEqual([]);
    expect(performance.now() - killedAt).toBeLessThan(ENDED_WITHIN_MS);
  });
});

describe("the pool", () => {
  test("says unavailable when all connections stay busy for acquireTimeoutMs", async () => {
    // Long enough to connect in, on a machine with other work, too.
    await using database = openDatabase({ url: own.url, maxConnections: 1, acquireTimeoutMs: 1_000 });
    await database.transaction(within(5_000), async (tx) => {
      await sql`select 1`.execute(tx);
      await expect(selectOne(database)).rejects.toMatchObject({ kind: "unavailable" });
    });
    await selectOne(database);
  });

  test("stops waiting for a connection when the signal aborts, and loses none by that", async () => {
    await using database = openDatabase({ url: own.url, maxConnections: 1, acquireTimeoutMs: 10_000 });
    await database.transaction(within(5_000), async (tx) => {
      await sql`select 1`.execute(tx);
      const { scope, cancel } = cancellable();
      const waiting = selectOne(database, scope);
      cancel();
      await expect(waiting).rejects.toMatchObject({ kind: "cancelled" });
    });
    await selectOne(database);
  });

  test("replaces connections that died while they were idle, without anybody noticing", async () => {
    let lost = 0;
    await using database = openDatabase({
      url: own.url,
      maxConnections: 5,
      applicationName: "idle",
      onConnectionLost: () => lost++,
    });
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 5 }, () => selectOne(database)));
      // The answer comes over another connection: some transactions begin before the loss is known here, some after.
      const killed = observer.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'idle'",
      );
      await Promise.all([killed, selectOne(database).catch(expectLost), killed.then(() => selectOne(database))]);
    }
    expect(lost).toBeGreaterThan(0);
  });

  test("loses a connection between two statements of a transaction, and says so at the second", async () => {
    await using database = openDatabase({ url: own.url, maxConnections: 1, applicationName: "between" });
    const lost = database.transaction(within(5_000), async (tx) => {
      await sql`select 1`.execute(tx);
      await observer.query(
        "select pg_terminate_backend(pid, 1000) from pg_stat_activity where application_name = 'between'",
      );
      await sql`select 2`.execute(tx);
    });
    await expect(lost).rejects.toMatchObject({ kind: "unavailable", outcomeUnknown: false });
    await selectOne(database);
  });

  test("says unavailable where nobody listens", async () => {
    await using database = openDatabase({ url: "postgresql://a:b@127.0.0.1:1/c" });
    await expect(selectOne(database)).rejects.toMatchObject({ kind: "unavailable", outcomeUnknown: false });
  });

  test("passes a wrong password on as the mistake that it is", async () => {
    const url = new URL(own.url);
    url.password = "wrong";
    await using database = openDatabase({ url: url.href });
    await expect(selectOne(database)).rejects.toMatchObject({ code: "28P01" });
  });

  test("heals by itself after a restart of the server", async () => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-test-restart-"));
    try {
      const before = await startEmbeddedPostgres({ folder });
      await using database = openDatabase({ url: before.adminUrl });
      await Promise.all(Array.from({ length: 5 }, () => selectOne(database)));
      const interrupted = database.transaction(within(10_000), (tx) => sql`select pg_sleep(60)`.execute(tx));
      interrupted.catch(() => undefined);
      await before.stop();
      await expect(interrupted).rejects.toMatchObject({ kind: "unavailable", outcomeUnknown: false });
      await expect(selectOne(database)).rejects.toMatchObject({ kind: "unavailable" });
      await using _after = await startEmbeddedPostgres({ folder, port: before.port });
      await Promise.all(Array.from({ length: 5 }, () => selectOne(database)));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** A transaction that had begun when its connection was killed says so; one that had not is moved to another one. */
function expectLost(error: unknown): void {
  expect(error).toMatchObject({ kind: "unavailable" });
}
