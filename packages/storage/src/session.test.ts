import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createTestDatabase, type TestDatabase } from "@holdfast/testkit";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BackendKey } from "./cancel-statement.ts";
import { connectionPool } from "./connection-pool.ts";
import { type Database, DatabaseError, openDatabase, sql, type Transaction } from "./index.ts";
import { openSession } from "./session.ts";
import { type Observer, observe } from "./testing/observer.ts";
import { cancellable, within } from "./testing/scopes.ts";

interface Schema {
  note: { text: string };
}

/** What transaction() promises. Half of the runs have to keep it: a busy machine may stop us at any moment. */
const ENDED_WITHIN_MS = 100;
const RUNS = 7;

/** Runs the experiment, each time with all of its other assertions, and returns the median of the times it measured. */
async function medianMs(experiment: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  while (times.length < RUNS) times.push(await experiment());
  return times.sort((a, b) => a - b)[(RUNS - 1) / 2] ?? Number.NaN;
}

let own: TestDatabase;
let observer: Observer;
let database: Database<Schema>;
beforeAll(async () => {
  own = await createTestDatabase();
  observer = await observe(own.adminUrl);
  database = openDatabase({ url: own.url, maxConnections: 4, acquireTimeoutMs: 10_000 });
  await database.transaction(within(5_000), (tx) => sql`create table note (text text)`.execute(tx));
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await observer[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
});

const sleepFor = (seconds: number) => sql`select pg_sleep(${sql.lit(seconds)})`;
const notes = async () => (await observer.query("select text from note")).map(({ text }) => text);

/** Takes connections and says nothing, like a server that has no time. */
async function silentServer() {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => sockets.add(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

describe("when the signal aborts", () => {
  test("the running statement ends in the database, and the connection stays", async () => {
    let kept = 0;
    const elapsed = await medianMs(async () => {
      const { scope, cancel } = cancellable();
      const running = database.transaction(scope, async (tx) => {
        await tx.insertInto("note").values({ text: "before the abort" }).execute();
        await sleepFor(60).execute(tx);
      });
      running.catch(() => undefined);
      const pid = await observer.running("pg_sleep");
      const start = performance.now();
      cancel();
      await expect(running).rejects.toMatchObject({ kind: "cancelled", outcomeUnknown: false });
      expect(await observer.busy()).toEqual([]);
      const ended = performance.now();
      expect(await notes()).toEqual([]);
      kept += (await observer.query("select from pg_stat_activity where pid = $1", [pid])).length;
      return ended - start;
    });
    expect(elapsed).toBeLessThan(ENDED_WITHIN_MS);
    expect(kept).toBeGreaterThan(RUNS / 2);
  });

  test("a statement that waits for a lock ends as well", async () => {
    await database.transaction(within(10_000), async (holder) => {
      await sql`lock table note in exclusive mode`.execute(holder);
      const elapsed = await medianMs(async () => {
        const { scope, cancel } = cancellable();
        const waiting = database.transaction(scope, (tx) => tx.insertInto("note").values({ text: "x" }).execute());
        waiting.catch(() => undefined);
        await observer.running("insert into");
        const start = performance.now();
        cancel();
        await expect(waiting).rejects.toMatchObject({ kind: "cancelled" });
        return performance.now() - start;
      });
      expect(elapsed).toBeLessThan(ENDED_WITHIN_MS);
    });
  });

  test("a transaction between two statements is rolled back, though work never returns", async () => {
    const { scope, cancel } = cancellable();
    const inserted = Promise.withResolvers<void>();
    const hanging = database.transaction(scope, async (tx) => {
      await tx.insertInto("note").values({ text: "then waits for ever" }).execute();
      inserted.resolve();
      await new Promise(() => {});
    });
    await inserted.promise;
    cancel();
    await expect(hanging).rejects.toMatchObject({ kind: "cancelled" });
    expect(await observer.busy()).toEqual([]);
  });

  test("work cannot run another statement nor commit", async () => {
    const { scope, cancel } = cancellable();
    let second: Promise<unknown> | undefined;
    const stubborn = database.transaction(scope, async (tx) => {
      await tx.insertInto("note").values({ text: "committed after the abort" }).execute();
      cancel();
      second = tx.insertInto("note").values({ text: "written after the abort" }).execute();
      await second.catch(() => undefined);
    });
    await expect(stubborn).rejects.toMatchObject({ kind: "cancelled" });
    await expect(second).rejects.toMatchObject({ kind: "cancelled" });
    expect(await notes()).toEqual([]);
  });

  test("no statement of anybody else is hit, whenever it happens", async () => {
    const aborted = { cancelled: 0, finished: 0 };
    // Every other transaction is aborted 0 to 4 ms into its work, at times just when a statement ends. Its connection
    // then goes to the next one, which must not meet a cancel request that is late.
    const runs = Array.from({ length: 400 }, async (_, n) => {
      const { scope, cancel } = cancellable();
      const run = database.transaction(scope, async (tx) => {
        if (n % 2 === 0) setTimeout(cancel, (n % 9) / 2);
        for (let i = 0; i < 3; i++) await sleepFor(0.001).execute(tx);
      });
      if (n % 2 === 1) return run;
      return run.then(
        () => aborted.finished++,
        (error: unknown) => {
          if (!(error instanceof DatabaseError) || error.kind !== "cancelled") throw error;
          aborted.cancelled++;
        },
      );
    });
    await Promise.all(runs);
    expect(aborted.cancelled).toBeGreaterThan(0);
  });

  test("a connection is not used again while a cancel request for it may be under way", async () => {
    await using silent = await silentServer();
    await using pool = connectionPool({ url: own.url });
    const connection = await pool.acquire(new AbortController().signal);
    Object.assign(connection.client, { port: silent.port }); // where its cancel request goes, and is not answered
    const { scope, cancel } = cancellable();
    const session = openSession({ ...connection, ...scope, now: Date.now });
    const statement = session.execute("select pg_sleep(0.02)");
    setImmediate(cancel); // the statement is sent by then
    await statement; // ends by itself
    await session.rollback();
    expect(session.broken).toBe(true);
    session.release();
  });

  test("a backend that does not react loses its connection", async () => {
    const { scope, cancel } = cancellable();
    const running = database.transaction(scope, (tx) => sleepFor(60).execute(tx));
    running.catch(() => undefined);
    const pid = await observer.running("pg_sleep");
    process.kill(pid, "SIGSTOP");
    try {
      const start = performance.now();
      cancel();
      await expect(running).rejects.toMatchObject({ kind: "cancelled" });
      expect(performance.now() - start).toBeLessThan(2_000); // long before the deadline
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await expect.poll(() => observer.busy(), { interval: 10, timeout: 1_000 }).toEqual([]);
  });
});

describe("at the deadline", () => {
  const lateByMs = (work: (tx: Transaction<Schema>) => Promise<unknown>) =>
    medianMs(async () => {
      const scope = within(200);
      const running = database.transaction(scope, work);
      await expect(running).rejects.toMatchObject({ kind: "deadline", outcomeUnknown: false });
      expect(await observer.busy()).toEqual([]);
      return Date.now() - scope.deadline;
    });

  test("the running statement ends", async () => {
    expect(await lateByMs((tx) => sleepFor(60).execute(tx))).toBeLessThan(ENDED_WITHIN_MS);
  });

  test("a later statement has only what is left of the time", async () => {
    const twoStatements = async (tx: Transaction<Schema>) => {
      await sleepFor(0.15).execute(tx);
      await sleepFor(0.15).execute(tx);
    };
    expect(await lateByMs(twoStatements)).toBeLessThan(ENDED_WITHIN_MS);
  });
});

describe("commit", () => {
  beforeAll(async () => {
    await database.transaction(within(5_000), async (tx) => {
      await sql`create table slow (text text)`.execute(tx);
      await sql`create function slow_commit() returns trigger language plpgsql as
        $$ begin perform pg_sleep(60); return null; end $$`.execute(tx);
      await sql`create constraint trigger slow_commit after insert on slow deferrable initially deferred
        for each row execute function slow_commit()`.execute(tx);
      await sql`create table strict (id int constraint strict_id unique deferrable initially deferred)`.execute(tx);
    });
    // Nor may the first test take this commit for its own: it is seen for a moment longer.
    while ((await observer.busy()).length > 0) continue;
  });
  const slowly = (scope = within(10_000)) =>
    database.transaction(scope, (tx) => sql`insert into slow values ('x')`.execute(tx));

  test("says that the outcome is unknown when the connection is lost meanwhile", async () => {
    const lost = slowly();
    lost.catch(() => undefined);
    const pid = await observer.running("commit");
    await observer.query("select pg_terminate_backend($1)", [pid]);
    await expect(lost).rejects.toMatchObject({ kind: "unavailable", outcomeUnknown: true });
    // The next test must not take the end of this one's commit for its own.
    await expect.poll(() => observer.busy(), { interval: 10, timeout: 5_000 }).toEqual([]);
  });

  test("says that the outcome is unknown when it is still running soon after the abort", async () => {
    const { scope, cancel } = cancellable();
    const lost = slowly(scope);
    lost.catch(() => undefined);
    await observer.running("commit");
    const start = performance.now();
    cancel();
    await expect(lost).rejects.toMatchObject({ kind: "cancelled", outcomeUnknown: true });
    expect(performance.now() - start).toBeLessThan(2_000); // long before the deadline
  });

  test("passes a refusal of the database on as one", async () => {
    const refused = database.transaction(within(1_000), (tx) => sql`insert into strict values (1), (1)`.execute(tx));
    await expect(refused).rejects.toMatchObject({
      kind: "unique_violation",
      constraint: "strict_id",
      outcomeUnknown: false,
    });
  });
});

test("pg still keeps what a cancel request needs, though its types do not say so", async () => {
  const client = new Client({ connectionString: own.url });
  await client.connect();
  const key = client as Client & BackendKey;
  expect([typeof key.host, typeof key.port, typeof key.processID, typeof key.secretKey]).toEqual([
    "string",
    "number",
    "number",
    "number",
  ]);
  await client.end();
});
