import { once } from "node:events";
import { connect, createServer, Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createLogger } from "@holdfast/process";
import { afterEach, expect, test } from "vitest";
import { type Forwarder, forward } from "./forward.ts";
import { freePort } from "./free-port.fixture.ts";

const log = createLogger({ service: "edge", level: "silent" });
const open: (Forwarder | Server | Socket)[] = [];
afterEach(() => {
  for (const each of open.splice(0)) {
    if ("destroy" in each) each.destroy();
    else if (each instanceof Server) each.close(() => undefined);
    else void each.close({ graceMs: 0 }).catch(() => undefined); // some are closed already
  }
});

/** Answers each byte with `name` and the byte, until the other side has ended. */
async function instance(name: string, port = 0): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => socket.write(`${name}${bytes.toString()} `));
    socket.on("end", () => socket.end("end"));
  });
  open.push(server);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as { port: number }).port;
}

async function edge(targetPort: number, waitMs = 5_000): Promise<Forwarder> {
  const target = { host: "127.0.0.1", port: targetPort };
  const forwarder = await forward({ port: 0, host: "127.0.0.1", target, waitMs, log });
  open.push(forwarder);
  return forwarder;
}

function dial(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.on("error", () => undefined); // a reset is what some of them expect
  open.push(socket);
  return socket;
}

test("passes bytes in both directions, and each side's end by itself", async () => {
  const { port } = await edge(await instance("a"));
  const client = dial(port);
  client.write("1");
  expect((await once(client, "data")).toString()).toBe("a1 ");
  client.end("2");
  expect(await text(client)).toBe("a2 end");
});

test("lets a connection wait for an instance, with what it has already said", async () => {
  const target = await freePort();
  const { port } = await edge(target);
  const client = dial(port);
  client.write("1");
  await sleep(300);
  await instance("late", target);
  expect((await once(client, "data")).toString()).toBe("late1 ");
});

test("forgets a client that leaves while it waits, and what it has said", async () => {
  const target = await freePort();
  const { port, close } = await edge(target, 60_000);
  const client = dial(port);
  await once(client, "connect");
  client.end("1");
  client.resume();
  await close({ graceMs: 60_000 });
  const said: string[] = [];
  const late = createServer((socket) => void socket.on("data", (bytes) => said.push(bytes.toString())));
  open.push(late);
  await once(late.listen(target, "127.0.0.1"), "listening");
  await sleep(300);
  expect(said).toEqual([]);
});

test("ends a connection that no instance takes in time", async () => {
  const { port } = await edge(await freePort(), 300);
  const client = dial(port);
  client.resume();
  const [error] = await once(client, "error");
  expect(error).toMatchObject({ code: "ECONNRESET" });
});

test("resets the client when its instance is gone, and the instance when the client is", async () => {
  const { port } = await edge(await instance("a"));
  const client = dial(port);
  client.write("1");
  await once(client, "data");
  const atInstance = open.findLast((each) => "destroy" in each && each !== client) as Socket;
  setImmediate(() => atInstance.resetAndDestroy());
  await once(client, "error");

  const second = dial(port);
  second.write("1");
  await once(second, "data");
  const itsInstance = open.findLast((each) => "destroy" in each && each !== second) as Socket;
  setImmediate(() => second.resetAndDestroy());
  const [error] = await once(itsInstance, "error");
  expect(error).toMatchObject({ code: "ECONNRESET" });
});

test("takes nothing new while it closes, and waits for what there is", async () => {
  const { port, close } = await edge(await instance("a"));
  const client = dial(port);
  client.write("1");
  await once(client, "data");
  const closing = close({ graceMs: 60_000 });
  const refused = dial(port);
  await expect(once(refused, "connect")).rejects.toThrow("ECONNREFUSED");
  client.write("2");
  expect((await once(client, "data")).toString()).toBe("a2 ");
  expect(await Promise.race([closing, sleep(50, "waits")])).toBe("waits");
  client.end();
  client.resume();
  await closing;
});

test("resets both sides of what is still open after the grace, idle or waiting", async () => {
  const { port, close } = await edge(await instance("a"));
  const idle = dial(port);
  idle.write("1");
  await once(idle, "data");
  const itsInstance = open.findLast((each) => "destroy" in each && each !== idle) as Socket;
  const waits = await edge(await freePort(), 60_000);
  const waiting = dial(waits.port);
  await once(waiting, "connect");
  waiting.resume();

  const resets = Promise.all([idle, itsInstance, waiting].map((socket) => once(socket, "error")));
  await Promise.all([close({ graceMs: 20 }), waits.close({ graceMs: 20 })]);
  const reset = [expect.objectContaining({ code: "ECONNRESET" })];
  expect(await resets).toEqual([reset, reset, reset]);
});
