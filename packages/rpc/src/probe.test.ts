import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { aServer } from "./testing/a-server.ts";

/** What the program ends with, and what it has to say. */
async function probe(args: readonly string[], env: Record<string, string> = {}) {
  const command = [join(import.meta.dirname, "probe.ts"), ...args];
  const child = spawn(process.execPath, command, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { code, said: said.trim() };
}

test("ends with 0 where health is SERVING, of the server and of one service", async () => {
  await using server = await aServer({});
  expect(await probe([server.target])).toEqual({ code: 0, said: "" });
  expect(await probe([server.target, "ecommerce.order.v1.OrderService"])).toEqual({ code: 0, said: "" });
  expect(await probe([], { LISTEN: `0.0.0.0:${server.port}` })).toEqual({ code: 0, said: "" });
});

test("ends with 1, and says why, where it is not", async () => {
  await using server = await aServer({});
  expect(await probe([server.target, "no.such.Service"])).toEqual({
    code: 1,
    said: expect.stringMatching(/answers with status 5/),
  });
  server.health.set(false);
  expect(await probe([server.target])).toEqual({ code: 1, said: `${server.target} NOT_SERVING` });
});

test("ends with 1 where nobody listens, and where nobody answers", async () => {
  const mute = createServer().listen(0, "127.0.0.1");
  await once(mute, "listening");
  const { port } = mute.address() as { port: number };
  expect(await probe([`127.0.0.1:${port}`])).toEqual({
    code: 1,
    said: expect.stringMatching(/has not answered within/),
  });
  mute.close();
  expect(await probe([`127.0.0.1:${port}`])).toEqual({ code: 1, said: expect.stringMatching(/ECONNREFUSED/) });
});
