import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { connect } from "./client.ts";

const folder = import.meta.dirname;
const cleanups: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** The server as a process of its own, so that it can be frozen and killed. */
async function startServer(port = 0) {
  const child = spawn(process.execPath, ["server.ts", `${port}`], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanups.push(() => kill(child));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const target = String(line).trim().split(" ").at(-1) ?? "";
  return { target, port: Number(target.split(":")[1]), kill: () => kill(child), freeze: () => child.kill("SIGSTOP") };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

function clientOf(target: string) {
  const events: string[] = [];
  const client = connect(target, ({ kind }) => void events.push(kind));
  cleanups.push(() => client.close());
  return { client, events };
}

/** On a connection that is ready, a call is on the wire one turn of the loop later. */
const sent = () => new Promise((resolve) => void setImmediate(resolve));

describe("a nice-grpc client with four interceptors", () => {
  test("gets an answer, a stream, and the reason of an error", async () => {
    const { target } = await startServer();
    const { client } = clientOf(target);
    expect(await client.greet({ name: "Ada" })).toEqual({ text: "Hello, Ada" });
    const texts: string[] = [];
    for await (const { text } of client.greetAll({ names: ["Ada", "Alan"] })) texts.push(text);
    expect(texts).toEqual(["Hello, Ada", "Hello, Alan"]);
    await expect(client.greet({})).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      reason: "NAME_MISSING",
      domain: "greeter.example",
      violations: [{ field: "name" }],
    });
  });

  test("sends a read again when its server is killed under it", async () => {
    const first = await startServer();
    const { client, events } = clientOf(first.target);
    await client.greet({ name: "Ada" });
    first.freeze();
    const answer = client.greet({ name: "Alan" }, { waitForReady: true });
    await sent();
    await first.kill();
    await startServer(first.port);
    expect(await answer).toEqual({ text: "Hello, Alan" });
    expect(events).toContain("retry");
  });

  test("does not repeat a call that may have been done", async () => {
    const first = await startServer();
    const { client, events } = clientOf(first.target);
    await client.greet({ name: "Ada" });
    first.freeze();
    const answer = client.sign({ name: "Ada" }, { waitForReady: true }).catch((error: unknown) => error);
    await sent();
    await first.kill();
    await startServer(first.port);
    expect(await answer).toMatchObject({ code: status.UNAVAILABLE });
    expect(events).not.toContain("retry");
  });

  test("keeps its deadline when the server hangs", async () => {
    const server = await startServer();
    const { client } = clientOf(server.target);
    await client.greet({ name: "Ada" });
    server.freeze();
    const begin = performance.now();
    const late = client.greet({ name: "Ada" }, { deadline: Date.now() + 300 });
    await expect(late).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  test("stops asking a server that is gone, and finds it when it is back", async () => {
    const server = await startServer();
    const { client } = clientOf(server.target);
    const outcome = (): Promise<unknown> => client.greet({ name: "Ada" }).catch((error: unknown) => error);
    await outcome();
    await server.kill();
    await expect.poll(outcome, { timeout: 10_000, interval: 1 }).toMatchObject({
      code: status.UNAVAILABLE,
      reason: "CIRCUIT_OPEN",
      retryAfterMs: expect.any(Number),
    });
    await startServer(server.port);
    await expect.poll(outcome, { timeout: 10_000, interval: 50 }).toEqual({ text: "Hello, Ada" });
  });
});

test("gen/ is what the proto says", async () => {
  const fresh = await mkdtemp(join(tmpdir(), "holdfast-greeter-"));
  try {
    await promisify(execFile)("buf", ["generate", "-o", fresh], { cwd: folder });
    const [wanted, there] = await Promise.all(
      [fresh, folder].map((each) => readFile(join(each, "gen/greeter.ts"), "utf8")),
    );
    expect(there).toBe(wanted);
  } finally {
    await rm(fresh, { recursive: true });
  }
});
