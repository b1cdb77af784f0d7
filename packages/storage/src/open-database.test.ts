import { createTestDatabase, type TestDatabase } from "@holdfast/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, type Generated, openDatabase, sql } from "./index.ts";
import { type Observer, observe } from "./testing/observer.ts";
import { cancellable, within } from "./testing/scopes.ts";

interface Schema {
  account: { id: Generated<bigint>; owner: string; balance: bigint };
  movement: { account_id: bigint };
}

let own: TestDatabase;
let observer: Observer;
let database: Database<Schema>;
beforeAll(async () => {
  own = await createTestDatabase();
  observer = await observe(own.adminUrl);
  database = openDatabase({ url: own.url, applicationName: "the-service" });
  await database.transaction(within(5_000), async (tx) => {
    await sql`create table account (id bigint generated always as identity primary key,
      owner text constraint account_owner_unique unique,
      balance bigint constraint account_balance_positive check (balance >= 0))`.execute(tx);
    await sql`create table movement (account_id bigint constraint movement_account references account)`.execute(tx);
  });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await observer[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
});

const insert = (owner: string, balance: bigint) =>
  database.transaction(within(1_000), (tx) =>
    tx.insertInto("account").values({ owner, balance }).returning("id").executeTakeFirstOrThrow(),
  );
const owners = async () => (await observer.query("select owner from account")).map(({ owner }) => owner);

describe("transaction()", () => {
  test("commits what work did and returns its result", async () => {
    const largest = 2n ** 63n - 1n;
    const { id } = await insert("ada", largest);
    const found = await database.transaction(within(1_000), (tx) =>
      tx.selectFrom("account").selectAll().where("id", "=", id).executeTakeFirstOrThrow(),
    );
    expect(found).toEqual({ id, owner: "ada", balance: largest });
  });

  test("tells how many rows a statement changed", async () => {
    await insert("bob", 1n);
    const changed = await database.transaction(within(1_000), (tx) =>
      tx.updateTable("account").set({ balance: 2n }).where("owner", "in", ["bob", "nobody"]).executeTakeFirst(),
    );
    expect(changed.numUpdatedRows).toBe(1n);
  });

  test("rolls back when work throws, and passes its error on", async () => {
    const failure = new Error("no such order");
    const failing = database.transaction(within(1_000), async (tx) => {
      await tx.insertInto("account").values({ owner: "carol", balance: 0n }).execute();
      throw failure;
    });
    await expect(failing).rejects.toBe(failure);
    expect(await owners()).not.toContain("carol");
  });

  test("does not commit when work hid a failed statement", async () => {
    const hiding = database.transaction(within(1_000), async (tx) => {
      await tx.insertInto("account").values({ owner: "dora", balance: 0n }).execute();
      await tx
        .insertInto("account")
        .values({ owner: "dora", balance: 0n })
        .execute()
        .catch(() => undefined);
    });
    await expect(hiding).rejects.toMatchObject({ kind: "unique_violation" });
    expect(await owners()).not.toContain("dora");
  });

  test("runs no statement after the transaction has ended", async () => {
    const late = await database.transaction(within(1_000), async (tx) => () => tx.deleteFrom("account").execute());
    await expect(late()).rejects.toThrow("already committed");
    await insert("eve", 1n);
  });

  test("runs statements that are started together one after the other", async () => {
    const rows = await database.transaction(within(1_000), (tx) =>
      Promise.all([1, 2, 3].map(async (n) => (await sql<{ n: number }>`select ${n}::int4 as n`.execute(tx)).rows[0])),
    );
    expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  test("sees what others committed since it began", async () => {
    await database.transaction(within(2_000), async (tx) => {
      await tx.selectFrom("account").selectAll().execute();
      await insert("frank", 1n);
      const found = await tx.selectFrom("account").where("owner", "=", "frank").selectAll().execute();
      expect(found).toHaveLength(1);
    });
  });

  test("touches no connection when the scope has ended already", async () => {
    await using untouched = openDatabase({ url: own.url, applicationName: "untouched" });
    const { scope, cancel } = cancellable();
    cancel();
    const run = (it: typeof scope) => untouched.transaction(it, (tx) => sql`select 1`.execute(tx));
    await expect(run(scope)).rejects.toMatchObject({ kind: "cancelled", outcomeUnknown: false });
    await expect(run(within(0))).rejects.toMatchObject({ kind: "deadline" });
    expect(await observer.query("select from pg_stat_activity where application_name = 'untouched'")).toEqual([]);
  });

  test("names the constraint that was violated", async () => {
    await insert("grace", 1n);
    await expect(insert("grace", 1n)).rejects.toMatchObject({
      kind: "unique_violation",
      constraint: "account_owner_unique",
    });
    await expect(insert("heidi", -1n)).rejects.toMatchObject({
      kind: "check_violation",
      constraint: "account_balance_positive",
    });
    const orphan = database.transaction(within(1_000), (tx) =>
      tx.insertInto("movement").values({ account_id: 999n }).execute(),
    );
    await expect(orphan).rejects.toMatchObject({ kind: "foreign_key_violation", constraint: "movement_account" });
  });

  test("passes an error of no known kind as it is", async () => {
    const wrong = database.transaction(within(1_000), (tx) => sql`select * from nowhere`.execute(tx));
    await expect(wrong).rejects.toMatchObject({ code: "42P01" });
  });

  test("gives up on a lock after lockTimeoutMs", async () => {
    await insert("ivan", 1n);
    await database.transaction(within(5_000), async (holder) => {
      const locked = sql`select from account where owner = 'ivan' for update`;
      await locked.execute(holder);
      const waiting = database.transaction(within(5_000), (tx) => locked.execute(tx), { lockTimeoutMs: 50 });
      await expect(waiting).rejects.toMatchObject({ kind: "lock_timeout" });
    });
  });
});

describe("retries", () => {
  const conflict = sql`do $$ begin raise exception using errcode = '40001'; end $$`;

  test("run a transaction again that lost a deadlock", async () => {
    await insert("judy", 10n);
    await insert("kim", 10n);
    const bothRead = Promise.withResolvers<void>();
    let arrived = 0;
    const take = (first: string, second: string) =>
      database.transaction(within(10_000), async (tx) => {
        await sql`update account set balance = balance - 1 where owner = ${first}`.execute(tx);
        if (++arrived === 2) bothRead.resolve();
        await bothRead.promise;
        await sql`update account set balance = balance - 1 where owner = ${second}`.execute(tx);
      });
    await Promise.all([take("judy", "kim"), take("kim", "judy")]);
    expect(arrived).toBe(3);
    const left = await observer.query("select balance from account where owner in ('judy', 'kim')");
    expect(left).toEqual([{ balance: "8" }, { balance: "8" }]);
  });

  test("end after three", async () => {
    let runs = 0;
    const unlucky = database.transaction(within(5_000), (tx) => (runs++, conflict.execute(tx)));
    await expect(unlucky).rejects.toMatchObject({ kind: "conflict" });
    expect(runs).toBe(4);
  });

  test("end with the deadline, even inside a wait", async () => {
    await using slow = openDatabase({ url: own.url, random: () => 1_000 });
    const start = performance.now();
    await expect(slow.transaction(within(100), (tx) => conflict.execute(tx))).rejects.toMatchObject({
      kind: "deadline",
    });
    expect(performance.now() - start).toBeLessThan(300);
  });

  test("do not happen when they are not wanted", async () => {
    let runs = 0;
    const once = database.transaction(within(5_000), (tx) => (runs++, conflict.execute(tx)), { retryDeadlocks: false });
    await expect(once).rejects.toMatchObject({ kind: "conflict" });
    expect(runs).toBe(1);
  });
});
