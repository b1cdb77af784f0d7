import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Metadata, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { connect } from "./client.js";

const folder = fileURLToPath(new URL(".", import.meta.url));
const cleanups = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** The server as a process of its own, so that it can be frozen and killed. */
async function startServer(port = 0) {
  const child = spawn(process.execPath, ["server.js", `${port}`], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  cleanups.push(kill);
  const [line] = await once(child.stdout, "data");
  const target = String(line).trim().split(" ").at(-1);
  return { target, port: Number(target.split(":")[1]), kill, freeze: () => child.kill("SIGSTOP") };
}

function clientOf(target) {
  const events = [];
  const client = connect(target, { observe: (event) => events.push(event) });
  cleanups.push(() => client.close());
  /** One call; rejects with the error that a callback would get. */
  const call = (method, request, { metadata = new Metadata(), ...options } = {}) =>
    new Promise((resolve, reject) => {
      client[method](request, metadata, options, (error, response) => (error ? reject(error) : resolve(response)));
    });
  return { call, events };
}

/** Waits for the connection that is being made. */
const waiting = () => new Metadata({ waitForReady: true });

/** On a connection that is ready, a call is on the wire one turn of the loop later. */
const sent = () => new Promise((resolve) => void setImmediate(resolve));

describe("a client with four interceptors", () => {
  test("gets an answer, and the reason of an error", async () => {
    const { target } = await startServer();
    const { call } = clientOf(target);
    expect(await call("getStock", { sku: "pear" })).toEqual({ sku: "pear", quantity: 3 });
    await expect(call("getStock", { sku: "plum" })).rejects.toMatchObject({
      code: status.NOT_FOUND,
      reason: "SKU_UNKNOWN",
      domain: "inventory.example",
      errorMetadata: { sku: "plum" },
    });
    await expect(call("takeStock", { sku: "pear", quantity: 9 })).rejects.toMatchObject({ reason: "TOO_FEW" });
  });

  test("sends a read again when its server is killed under it", async () => {
    const first = await startServer();
    const { call, events } = clientOf(first.target);
    await call("getStock", { sku: "apple" });
    first.freeze();
    const answer = call("getStock", { sku: "apple" }, { metadata: waiting() });
    await sent();
    await first.kill();
    await startServer(first.port);
    expect(await answer).toEqual({ sku: "apple", quantity: 12 });
    expect(events.filter(({ kind }) => kind === "retry").length).toBeGreaterThan(0);
  });

  test("does not repeat a call that may have been done", async () => {
    const first = await startServer();
    const { call, events } = clientOf(first.target);
    await call("getStock", { sku: "apple" });
    first.freeze();
    const request = { sku: "apple", quantity: 1 };
    const answer = call("takeStock", request, { metadata: waiting() }).catch((error) => error);
    await sent();
    await first.kill();
    await startServer(first.port);
    expect(await answer).toMatchObject({ code: status.UNAVAILABLE });
    expect(events.filter(({ kind }) => kind === "retry")).toEqual([]);
  });

  test("keeps its deadline when the server hangs", async () => {
    const server = await startServer();
    const { call } = clientOf(server.target);
    await call("getStock", { sku: "apple" });
    server.freeze();
    const begin = performance.now();
    const late = call("getStock", { sku: "apple" }, { deadline: Date.now() + 300 });
    await expect(late).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  test("stops asking a server that is gone, and finds it when it is back", async () => {
    const server = await startServer();
    const { call } = clientOf(server.target);
    const failure = () => call("getStock", { sku: "apple" }).catch((error) => error);
    await call("getStock", { sku: "apple" });
    await server.kill();
    let error = await failure();
    for (let calls = 0; calls < 40 && error.reason !== "CIRCUIT_OPEN"; calls += 1) error = await failure();
    expect(error).toMatchObject({ code: status.UNAVAILABLE, reason: "CIRCUIT_OPEN" });
    expect(error.retryAfterMs).toBeGreaterThan(0);

    await startServer(server.port);
    await expect.poll(failure, { timeout: 10_000, interval: 50 }).toEqual({ sku: "apple", quantity: 12 });
  });
});
