import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { createTestDatabase, type TestDatabase } from "@holdfast/testkit";
import { describe, expect, test } from "vitest";
import { startEmbeddedPostgres } from "./embedded/start-embedded-postgres.ts";
import { migrate } from "./index.ts";
import { observe } from "./testing/observer.ts";

const run = promisify(execFile);
const MIGRATE_NOW = fileURLToPath(new URL("testing/migrate-now.fixture.ts", import.meta.url));

/** A folder of migration files that goes away with the test. */
async function migrations(files: Record<string, string>) {
  const path = await mkdtemp(join(tmpdir(), "holdfast-test-migrations-"));
  const write = async (name: string, text: string) => writeFile(join(path, name), text);
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return {
    url: pathToFileURL(path),
    write,
    remove: (name: string) => rm(join(path, name)),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

async function query(database: TestDatabase, text: string) {
  await using observer = await observe(database.adminUrl);
  return await observer.query(text);
}

const TWO_FILES = {
  "0001_orders.sql": "create table orders (id int); insert into orders values (1);",
  "0002_states.sql": "alter table orders add column state text not null default 'PENDING'; -- after 0001",
};

describe("migrate()", () => {
  test("applies what is missing, in order, and says so", async () => {
    await using database = await createTestDatabase();
    await using folder = await migrations(TWO_FILES);
    const said: string[] = [];
    await migrate(database.url, folder.url, { onProgress: (message) => said.push(message) });
    await folder.write("0003_more.sql", "insert into orders values (2, 'PAID')");
    await migrate(database.url, folder.url, { onProgress: (message) => said.push(message) });
    expect(said).toEqual(["applied 0001_orders.sql", "applied 0002_states.sql", "applied 0003_more.sql"]);
    expect(await query(database, "select * from orders order by id")).toEqual([
      { id: 1, state: "PENDING" },
      { id: 2, state: "PAID" },
    ]);
  });

  test("is safe when three processes start at once", async () => {
    await using database = await createTestDatabase();
    await using folder = await migrations({
      ...TWO_FILES,
      "0003_slow.sql": "select pg_sleep(0.3); insert into orders values (2, 'PAID')",
    });
    const processes = [1, 2, 3].map(() => run(process.execPath, [MIGRATE_NOW, database.url, folder.url.href]));
    const outputs = (await Promise.all(processes)).map(({ stdout }) => stdout.trim());
    expect(outputs.sort().map((text) => text.split("\n").filter(Boolean).length)).toEqual([0, 0, 3]);
    expect(await query(database, "select id from orders order by id")).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test("applies nothing of a run whose last file fails, and names the file", async () => {
    await using database = await createTestDatabase();
    await using folder = await migrations({ ...TWO_FILES, "0003_broken.sql": "insert into nowhere values (1)" });
    await expect(migrate(database.url, folder.url)).rejects.toThrow("0003_broken.sql");
    expect(await query(database, "select to_regclass('orders') as found")).toEqual([{ found: null }]);
    await folder.remove("0003_broken.sql");
    await migrate(database.url, folder.url);
  });

  test("refuses a file that was changed after it had been applied, and applies no other", async () => {
    await using database = await createTestDatabase();
    await using folder = await migrations(TWO_FILES);
    await migrate(database.url, folder.url);
    await folder.write("0001_orders.sql", "create table orders (id bigint)");
    await folder.write("0003_more.sql", "drop table orders");
    await expect(migrate(database.url, folder.url)).rejects.toThrow(/0001_orders\.sql.*changed/);
    expect(await query(database, "select id from orders")).toEqual([{ id: 1 }]);
  });

  test("takes a file with other line ends for unchanged", async () => {
    await using database = await createTestDatabase();
    await using folder = await migrations({ "0001_orders.sql": "create table orders (\nid int\n);\n" });
    await migrate(database.url, folder.url);
    await folder.write("0001_orders.sql", "create table orders (\r\nid int\r\n);\r\n");
    await expect(migrate(database.url, folder.url)).resolves.toBeUndefined();
  });

  test("refuses to go on without a file that was applied, and a file of another name", async () => {
    await using database = await createTestDatabase();
    await using folder = await migrations(TWO_FILES);
    await migrate(database.url, folder.url);
    await folder.remove("0002_states.sql");
    await expect(migrate(database.url, folder.url)).rejects.toThrow("0002_states");
    await folder.write("notes.txt", "");
    await expect(migrate(database.url, folder.url)).rejects.toThrow("notes.txt");
  });

  test("waits for a database that is not there yet, and says so", async () => {
    await using folder = await migrations(TWO_FILES);
    const data = await mkdtemp(join(tmpdir(), "holdfast-test-late-"));
    try {
      const before = await startEmbeddedPostgres({ folder: data });
      await before.stop();
      const waiting = Promise.withResolvers<void>();
      const said: string[] = [];
      const migrating = migrate(before.adminUrl, folder.url, {
        onProgress: (message) => {
          said.push(message);
          waiting.resolve();
        },
      });
      await Promise.race([waiting.promise, migrating]);
      expect(said[0]).toMatch(/waiting for the database/);
      await using _server = await startEmbeddedPostgres({ folder: data, port: before.port });
      await migrating;
      expect(said.at(-1)).toBe("applied 0002_states.sql");
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  });

  test("gives up after waitMs, and at once where waiting cannot help", async () => {
    await using database = await createTestDatabase();
    await using folder = await migrations(TWO_FILES);
    const nobody = migrate("postgresql://a:b@127.0.0.1:1/c", folder.url, { waitMs: 50 });
    await expect(nobody).rejects.toMatchObject({ kind: "unavailable" });
    const url = new URL(database.url);
    url.password = "wrong";
    await expect(migrate(url.href, folder.url)).rejects.toMatchObject({ code: "28P01" });
  });
});
