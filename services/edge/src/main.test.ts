import { fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "./free-port.fixture.ts";

const MAIN = new URL("./main.ts", import.meta.url);

test("ends with 0 on SIGTERM, though a client keeps its idle connection open", async () => {
  using stack = new DisposableStack();
  const instance = createServer((socket) => void socket.on("error", () => undefined).resume());
  stack.defer(() => void instance.close());
  await once(instance.listen(0, "127.0.0.1"), "listening");
  const { port: target } = instance.address() as { port: number };
  const port = await freePort();
  const env = { ROUTES: `${port}=127.0.0.1:${target}`, DRAIN_MS: "1000", LOG_LEVEL: "fatal" };
  const edge = fork(MAIN, { env: { ...process.env, ...env } });
  stack.defer(() => void edge.kill("SIGKILL"));
  const ended = once(edge, "exit");
  await once(edge, "message"); // it is ready

  const client = connect(port, "127.0.0.1");
  stack.defer(() => client.destroy());
  client.on("error", () => undefined); // a reset is what it gets
  await once(instance, "connection");
  edge.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});
