import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { placeIn, substituteFor } from "./place.ts";
import { isAlive, readPostmaster } from "./postmaster.ts";
import { removeEmbeddedPostgres, startEmbeddedPostgres } from "./start-embedded-postgres.ts";

const RUN_POSTGRES = fileURLToPath(new URL("../testing/run-postgres.fixture.ts", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-test-embedded-"));
});
afterAll(() => removeEmbeddedPostgres(folder));

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined); // the tests kill its server
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

const answers = async (url: string) => expect(await query(url, "select 1 as one")).toEqual([{ one: 1 }]);

/** Sees it within the moment: what it waits for does not last. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await setImmediate();
}

/** A process of its own, in a process group of its own, that runs the server. */
async function runPostgres() {
  const child = spawn(process.execPath, [RUN_POSTGRES, folder], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  if (child.stdout === null || child.pid === undefined) throw new Error("Cannot run the process");
  const [line] = await once(child.stdout.setEncoding("utf8"), "data");
  const [pid = "", url = ""] = String(line).trim().split(" ");
  return { stdout: child.stdout, groupId: child.pid, serverPid: Number(pid), url };
}

describe("startEmbeddedPostgres()", () => {
  test("runs a durable server that only this machine reaches, with a password", async () => {
    await using server = await startEmbeddedPostgres({ folder });
    const settings = await query(
      server.adminUrl,
      `select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit',
       'listen_addresses', 'unix_socket_directories', 'server_encoding', 'data_checksums') order by name`,
    );
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      data_checksums: "on",
      fsync: "on",
      full_page_writes: "on",
      listen_addresses: "127.0.0.1",
      server_encoding: "UTF8",
      synchronous_commit: "on",
      unix_socket_directories: "",
    });
    const locale = await query(
      server.adminUrl,
      "select datlocprovider, datlocale from pg_database where datname = 'postgres'",
    );
    expect(locale).toEqual([{ datlocprovider: "b", datlocale: "C.UTF-8" }]);
    expect((await stat(placeIn(folder).password)).mode & 0o777).toBe(0o600);
    await expect(query(server.url("postgres", "postgres", "wrong"), "select 1")).rejects.toMatchObject({
      code: "28P01",
    });
  });

  test("starts in less than 1.5 s on data that is there, and keeps it", async () => {
    {
      await using first = await startEmbeddedPostgres({ folder });
      await query(first.adminUrl, "create table kept as select 42 as answer");
    }
    const start = performance.now();
    await using second = await startEmbeddedPostgres({ folder });
    expect(performance.now() - start).toBeLessThan(1_500);
    expect(await query(second.adminUrl, "select answer from kept")).toEqual([{ answer: 42 }]);
  });

  test("recovers what was committed when the server is killed, and starts again at once", async () => {
    const killed = await startEmbeddedPostgres({ folder });
    await query(killed.adminUrl, "create table survivor as select 7 as lives");
    process.kill(killed.pid, "SIGKILL");
    await killed.exited;
    await using server = await startEmbeddedPostgres({ folder });
    expect(await query(server.adminUrl, "select lives from survivor")).toEqual([{ lives: 7 }]);
  });

  test("makes a cluster again whose making was interrupted", async () => {
    const place = placeIn(await mkdtemp(join(tmpdir(), "holdfast-test-half-made-")));
    try {
      await mkdir(join(place.data, "base"), { recursive: true });
      await writeFile(join(place.data, "PG_VERSION"), "18\n");
      await using server = await startEmbeddedPostgres({ folder: place.folder });
      expect(await query(server.adminUrl, "select 1 as one")).toEqual([{ one: 1 }]);
    } finally {
      await removeEmbeddedPostgres(place.folder);
    }
  });

  test("gives up making a cluster when it is told to, and the next start makes it", async () => {
    const place = placeIn(await mkdtemp(join(tmpdir(), "holdfast-test-given-up-")));
    const stopping = new AbortController();
    try {
      const starting = startEmbeddedPostgres({ folder: place.folder, signal: stopping.signal });
      await until(() => existsSync(join(place.data, "PG_VERSION")));
      stopping.abort(new Error("stopped"));
      await expect(starting).rejects.toThrow("stopped");
      expect(existsSync(place.initialised)).toBe(false);
      await using server = await startEmbeddedPostgres({ folder: place.folder });
      await answers(server.adminUrl);
    } finally {
      await removeEmbeddedPostgres(place.folder);
    }
  });

  test("gives up a server that does not serve yet when it is told to, and leaves nothing running", async () => {
    const { data, log } = placeIn(folder);
    await using made = await startEmbeddedPostgres({ folder });
    await made.stop();
    const stopping = new AbortController();
    const starting = startEmbeddedPostgres({ folder, signal: stopping.signal });
    let pid = 0;
    await until(async () => (pid = (await readPostmaster(data))?.pid ?? 0) > 0);
    stopping.abort(new Error("stopped"));
    await expect(starting).rejects.toThrow("stopped");
    expect(isAlive(pid)).toBe(false);
    expect(await readFile(log, "utf8")).toContain("immediate shutdown");
    await using server = await startEmbeddedPostgres({ folder });
    await answers(server.adminUrl);
  });

  test("does not wait for the server of an earlier run when it is told to give up", async () => {
    const { data } = placeIn(folder);
    await using server = await startEmbeddedPostgres({ folder });
    await rm(placeIn(folder).owner);
    const waiting = Promise.withResolvers<string>();
    const stopping = new AbortController();
    const starting = startEmbeddedPostgres({ folder, signal: stopping.signal, onProgress: waiting.resolve });
    expect(await waiting.promise).toContain(`process ${server.pid}`);
    stopping.abort(new Error("stopped"));
    await expect(starting).rejects.toThrow("stopped");
    expect((await readPostmaster(data))?.pid).toBe(server.pid);
    await answers(server.adminUrl);
  });

  test("refuses a folder that is in use, and names the process", async () => {
    await using server = await startEmbeddedPostgres({ folder });
    const second = startEmbeddedPostgres({ folder });
    await expect(second).rejects.toThrow(String(server.pid));
    await answers(server.adminUrl);
  });

  test("refuses a port that is in use, and names it", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    try {
      await expect(startEmbeddedPostgres({ folder, port })).rejects.toThrow(`port ${port}`);
    } finally {
      other.close();
    }
    await using server = await startEmbeddedPostgres({ folder });
    await answers(server.adminUrl);
  });

  test("refuses data of another major version", async () => {
    const { initialised } = placeIn(folder);
    const version = await readFile(initialised, "utf8");
    await writeFile(initialised, "12");
    await expect(startEmbeddedPostgres({ folder })).rejects.toThrow("PostgreSQL 12 made it");
    await writeFile(initialised, version);
  });

  test("keeps data of which it cannot read what made it", async () => {
    await (await startEmbeddedPostgres({ folder })).stop();
    const { initialised, data } = placeIn(folder);
    const version = await readFile(initialised, "utf8");
    await rm(initialised);
    await mkdir(initialised); // for root, too, no file to read
    const made = await stat(join(data, "PG_VERSION"));
    await expect(startEmbeddedPostgres({ folder })).rejects.toThrow("EISDIR");
    expect((await stat(join(data, "PG_VERSION"))).mtimeMs).toBe(made.mtimeMs);
    await rm(initialised, { recursive: true });
    await writeFile(initialised, version);
  });

  test("leaves the server of another folder alone that has the number of an earlier one", async () => {
    await using other = await startEmbeddedPostgres({ folder });
    const place = placeIn(await mkdtemp(join(tmpdir(), "holdfast-test-reused-")));
    try {
      await (await startEmbeddedPostgres({ folder: place.folder })).stop();
      await writeFile(join(place.data, "postmaster.pid"), `${other.pid}\n${place.data}\n`);
      await using server = await startEmbeddedPostgres({ folder: place.folder });
      await answers(server.adminUrl);
      await answers(other.adminUrl);
      expect(isAlive(other.pid)).toBe(true);
    } finally {
      await removeEmbeddedPostgres(place.folder);
    }
  });

  test("ends with its process, even when that is killed, and the next start waits for that", async () => {
    const run = await runPostgres();
    const client = new Client({ connectionString: run.url });
    client.on("error", () => undefined); // its server goes away below
    await client.connect();
    await client.query("begin");
    process.kill(run.groupId, "SIGKILL");
    await using server = await startEmbeddedPostgres({ folder });
    expect(isAlive(run.serverPid)).toBe(false);
    await answers(server.adminUrl);
  });

  test("ends a frozen server whose process was killed", async () => {
    const run = await runPostgres();
    onTestFinished(() => void (isAlive(run.serverPid) && process.kill(run.serverPid, "SIGKILL")));
    process.kill(run.serverPid, "SIGSTOP");
    process.kill(run.groupId, "SIGKILL");
    await using server = await startEmbeddedPostgres({ folder });
    expect(isAlive(run.serverPid)).toBe(false);
    await answers(server.adminUrl);
  });

  test("survives Ctrl-C, which a terminal sends to the whole process group", async () => {
    const run = await runPostgres();
    const interrupted = once(run.stdout, "data");
    process.kill(-run.groupId, "SIGINT");
    await interrupted;
    await answers(run.url);
    process.kill(run.groupId, "SIGKILL");
    await expect.poll(() => isAlive(run.serverPid), { timeout: 8_000 }).toBe(false);
  });

  test("stops while clients are connected, and may be stopped twice", async () => {
    const server = await startEmbeddedPostgres({ folder });
    const client = new Client({ connectionString: server.adminUrl });
    client.on("error", () => undefined); // its server goes away below
    await client.connect();
    await client.query("begin");
    const start = performance.now();
    await server.stop();
    expect(performance.now() - start).toBeLessThan(2_000);
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    expect(await server.exited).toBe(0);
  });

  test.runIf(process.getuid?.() === 0)(
    "as root, keeps the data elsewhere if its account cannot reach the folder",
    async () => {
      const closed = await mkdtemp(join(tmpdir(), "holdfast-test-closed-"));
      await chmod(closed, 0o700);
      const unreachable = join(closed, "data");
      const said: string[] = [];
      try {
        {
          await using server = await startEmbeddedPostgres({
            folder: unreachable,
            onProgress: (text) => said.push(text),
          });
          await query(server.adminUrl, "create table kept as select 42 as answer");
        }
        expect(said.join("\n")).toContain(substituteFor(unreachable));
        await using again = await startEmbeddedPostgres({ folder: unreachable });
        expect(await query(again.adminUrl, "select answer from kept")).toEqual([{ answer: 42 }]);
      } finally {
        await removeEmbeddedPostgres(unreachable);
        await rm(closed, { recursive: true });
      }
      await expect(stat(substituteFor(unreachable))).rejects.toMatchObject({ code: "ENOENT" });
    },
  );
});
