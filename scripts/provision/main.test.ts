import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { text } from "node:stream/consumers";
import { Client } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";

const SERVICES = ["payment", "product", "order"];
const admin = new URL(inject("postgresAdminUrl"));

/** The way to the database, at a port of its own. */
function gate(): Server {
  return createServer((socket) => {
    // A side that breaks off ends the other one, and what it says about it stands in the program's own error.
    pipeline(socket, connect(Number(admin.port), admin.hostname), socket, () => undefined);
  });
}

async function listen(server: Server, port = 0): Promise<number> {
  await once(server.listen(port, "127.0.0.1"), "listening");
  return (server.address() as { port: number }).port;
}

function start(port: number, folder: string) {
  const url = new URL(admin);
  url.port = String(port);
  const env = { ADMIN_URL: url.href, SECRETS_FOLDER: folder, DATABASE_HOST: `127.0.0.1:${admin.port}` };
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], { env, stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

test("waits for a database that is started at the same time, and gives each service its own", async () => {
  onTestFinished(async () => {
    const client = new Client({ connectionString: admin.href });
    await client.connect();
    for (const name of SERVICES) {
      await client.query(`drop database if exists "${name}" with (force)`);
      await client.query(`drop role if exists "${name}"`);
    }
    await client.end();
  });
  await using folder = await mkdtempDisposable(join(tmpdir(), "provision-"));
  await using way = gate();
  const port = await listen(way);
  await once(way.close(), "close");

  const child = start(port, folder.path);
  const stderr = text(child.stderr);
  const ended = once(child, "close");
  const waiting = once(child.stdout.setEncoding("utf8"), "data");
  const [line] = (await Promise.race([waiting, ended])) as [string];
  expect(JSON.parse(line)).toMatchObject({ msg: expect.stringContaining("waiting for the database") });
  await listen(way, port);
  expect({ ended: await ended, stderr: await stderr }).toEqual({ ended: [0, null], stderr: "" });

  const connectionString = await readFile(join(folder.path, "order/database-url"), "utf8");
  const order = new Client({ connectionString });
  await order.connect();
  await order.end();
});
