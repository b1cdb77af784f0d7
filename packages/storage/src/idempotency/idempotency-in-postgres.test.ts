import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import type { IdempotencyStore } from "@holdfast/interceptors/server/idempotency";
import { detailsOf } from "@holdfast/interceptors/status";
import { aClaim, anAnswer, describeIdempotencyStore } from "@holdfast/interceptors/testing/idempotency-store";
import { createTestDatabase } from "@holdfast/testkit";
import { describe, expect, test } from "vitest";
import { openDatabase } from "../open-database.ts";
import { observe } from "../testing/observer.ts";
import { within } from "../testing/scopes.ts";
import {
  confirmClaim,
  type IdempotencyInPostgres,
  type IdempotencySchema,
  idempotencyInPostgres,
} from "./idempotency-in-postgres.ts";

const SERVER = fileURLToPath(new URL("testing/keyed-server.fixture.ts", import.meta.url));

/** A database with the table, a store in it, and the means to let the database's time pass. */
async function aStore() {
  const place = await createTestDatabase();
  const observer = await observe(place.adminUrl);
  await observer.query(`set role "${place.name}"`);
  await observer.query(await readFile(new URL("table.sql", import.meta.url), "utf8"));
  await observer.query("create table effect (note text not null)");
  const database = openDatabase<IdempotencySchema>({ url: place.url, applicationName: "test" });
  return {
    url: place.url,
    database,
    store: idempotencyInPostgres(database),
    query: (text: string, values?: unknown[]) => observer.query(text, values),
    /** What stands in the table gets older. */
    async passTime(ms: number) {
      const set = ["lease_until", "expire_time"].map((column) => `${column} = ${column} - $1 * interval '1 ms'`);
      await observer.query(`update idempotent_call set ${set.join(", ")}`, [ms]);
    },
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await observer[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** Bounded as the kit does it: the suite's own scope has no end. */
const bounded = (store: IdempotencyInPostgres): IdempotencyStore => ({
  begin: (request) => store.begin(request, within(10_000)),
  finish: (claim, answer) => store.finish(claim, answer, within(10_000)),
  abandon: (claim) => store.abandon(claim, within(10_000)),
});

describeIdempotencyStore("PostgreSQL", async () => {
  const { store, ...rest } = await aStore();
  return { ...rest, store: bounded(store) };
});

describe("idempotencyInPostgres()", () => {
  test("K3: deletes what has expired, and nothing else", async () => {
    await using made = await aStore();
    for (const key of ["a", "b", "c"]) await made.store.begin(aClaim({ key }), within(5_000));
    await made.passTime(86_400_001);
    await made.store.begin(aClaim({ key: "d" }), within(5_000));
    expect(await made.store.prune(within(5_000), 2)).toBe(2);
    expect(await made.store.prune(within(5_000), 2)).toBe(1);
    expect(await made.query("select key from idempotent_call")).toEqual([{ key: "d" }]);
  });

  test("K8: work that was confirmed is never done again, and only its holder can confirm it", async () => {
    await using made = await aStore();
    const { store, database } = made;
    const first = aClaim({ transactional: true });
    await store.begin(first, within(5_000));
    await made.passTime(10_001);
    const second = { ...first, token: "token-2" };
    expect(await store.begin(second, within(5_000))).toEqual({ kind: "new" });
    await expect(database.transaction(within(5_000), (tx) => confirmClaim(tx, first))).rejects.toThrow("took over");
    await database.transaction(within(5_000), (tx) => confirmClaim(tx, second));
    await made.passTime(10_001);
    expect(await store.begin({ ...first, token: "token-3" }, within(5_000))).toEqual({ kind: "unknown" });
    await store.abandon(second, within(5_000));
    expect(await store.begin({ ...first, token: "token-3" }, within(5_000))).toEqual({ kind: "unknown" });
  });

  test("K6: a claim that is just being confirmed is in progress, and nobody waits for its transaction", async () => {
    await using made = await aStore();
    const claim = aClaim({ transactional: true });
    await made.store.begin(claim, within(5_000));
    await made.passTime(10_001);
    const { promise: committing, resolve: commit } = Promise.withResolvers<void>();
    const { promise: confirmed, resolve: confirm } = Promise.withResolvers<void>();
    const work = made.database.transaction(within(10_000), async (tx) => {
      await confirmClaim(tx, claim);
      confirm();
      await committing;
    });
    await confirmed;
    expect(await made.store.begin({ ...claim, token: "token-2" }, within(5_000))).toMatchObject({
      kind: "in_progress",
    });
    commit();
    await work;
  });

  test("K7: the same answer may be stored twice, where the first outcome was lost", async () => {
    await using made = await aStore();
    await made.store.begin(aClaim(), within(5_000));
    expect(await made.store.finish(aClaim(), anAnswer(), within(5_000))).toBe(true);
    expect(await made.store.finish(aClaim(), anAnswer(), within(5_000))).toBe(true);
  });
});

describe("idempotency() on PostgreSQL", () => {
  test("K3: of 50 concurrent calls with one key one runs, and every other one has its answer or comes again", async () => {
    await using made = await aStore();
    await using server = await keyedServer(made.url, "plain");
    const calls = await Promise.all(Array.from({ length: 50 }, () => server.call("key-1", "pay")));
    expect(await made.query("select note from effect")).toEqual([{ note: "pay" }]);
    const answers = new Set(calls.filter(({ code }) => code === status.OK).map(({ answer }) => answer));
    expect([...answers]).toEqual([`done by ${server.pid}`]);
    const refused = calls.filter(({ code }) => code !== status.OK);
    expect(refused.every(({ reason }) => reason === "IDEMPOTENCY_KEY_IN_USE")).toBe(true);
    expect((await server.call("key-1", "pay")).answer).toBe(`done by ${server.pid}`);
  });

  test("K4: an answer outlives its process", async () => {
    await using made = await aStore();
    await using first = await keyedServer(made.url, "plain");
    const before = await first.call("key-1", "pay");
    await first.kill();
    await using second = await keyedServer(made.url, "plain");
    expect(await second.call("key-1", "pay")).toEqual(before);
    expect(await made.query("select count(*)::int as n from effect")).toEqual([{ n: 1 }]);
  });

  const CRASHES = [
    // The effect is there, its record is not: nobody can know.
    { mode: "plain", request: "stay after the commit", leads: "OUTCOME_UNKNOWN", effects: 1 },
    // Rolled back, but without a confirmation nobody can know that either.
    { mode: "plain", request: "stay before the commit", leads: "OUTCOME_UNKNOWN", effects: 0 },
    { mode: "transactional", request: "stay after the commit", leads: "OUTCOME_UNKNOWN", effects: 1 },
  ] as const;
  for (const { mode, request, leads, effects } of CRASHES) {
    test(`K8: kill -9 of a ${mode} call that "${request}": in progress until the lease ends, then ${leads}`, async () => {
      await using made = await aStore();
      await using first = await keyedServer(made.url, mode);
      void first.call("key-1", request);
      await first.ran();
      await first.kill();
      await using second = await keyedServer(made.url, mode);
      await gone(made.query);
      expect(await second.call("key-1", request)).toMatchObject({
        code: status.ABORTED,
        reason: "IDEMPOTENCY_KEY_IN_USE",
      });
      await made.passTime(60_001);
      expect(await second.call("key-1", request)).toMatchObject({ code: status.FAILED_PRECONDITION, reason: leads });
      expect(await made.query("select note from effect")).toHaveLength(effects);
    });
  }

  test("K8: kill -9 of a transactional call before its commit: done again after the lease, once", async () => {
    await using made = await aStore();
    await using first = await keyedServer(made.url, "transactional");
    void first.call("key-1", "stay before the commit");
    await first.ran();
    await first.kill();
    await gone(made.query);
    await using second = await keyedServer(made.url, "transactional");
    expect(await second.call("key-1", "stay before the commit")).toMatchObject({ reason: "IDEMPOTENCY_KEY_IN_USE" });
    await made.passTime(60_001);
    void second.call("key-1", "stay before the commit");
    expect(await second.ran()).toBe("ran stay before the commit");
    expect(await made.query("select note from effect")).toEqual([]);
  });
});

/** Until the database has ended the transactions of the process that was killed. */
async function gone(query: (text: string) => Promise<Record<string, unknown>[]>): Promise<void> {
  const open = "select 1 from pg_stat_activity where application_name = 'keyed' and xact_start is not null";
  while ((await query(`${open} and datname = current_database()`)).length > 0);
}

async function keyedServer(url: string, mode: "plain" | "transactional") {
  const child = spawn(process.execPath, [SERVER, url, mode], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => (await lines.next()).value ?? "";
  const client = new Client(`127.0.0.1:${await line()}`, credentials.createInsecure());
  const asIs = (bytes: Buffer): Buffer => bytes;
  return {
    pid: child.pid,
    /** The next line that the handler writes when it runs. */
    ran: line,
    call(key: string, request: string) {
      const metadata = new Metadata();
      metadata.set("idempotency-key", key);
      const { promise, resolve } = Promise.withResolvers<{ code: status; reason?: string; answer?: string }>();
      client.makeUnaryRequest("/test.v1.Test/Work", asIs, asIs, Buffer.from(request), metadata, (error, answer) => {
        const reason = detailsOf(error?.metadata)?.reason;
        resolve({
          code: error?.code ?? status.OK,
          ...(reason !== undefined && { reason }),
          ...(answer !== undefined && { answer: answer.toString() }),
        });
      });
      return promise;
    },
    kill: () => stop(child),
    async [Symbol.asyncDispose]() {
      client.close();
      await stop(child);
    },
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
