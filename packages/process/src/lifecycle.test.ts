import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { describe, expect, test } from "vitest";

const program = new URL("./lifecycle-child.fixture.ts", import.meta.url).pathname;

/** Starts the program; `says` waits for a text in its output. It is killed when the test ends, however it ends. */
function start(env: Record<string, string>, stdio: "ipc" | "pipe" | "ignore" = "ignore") {
  const child = spawn(process.execPath, [program], {
    env: { BEHAVIOUR: "ok", DRAIN_MS: "5000", ...env },
    stdio: stdio === "ipc" ? ["ignore", "pipe", "pipe", "ipc"] : [stdio, "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  // Not "close": Node does not emit it when the parent has disconnected the IPC channel itself.
  const ended = Promise.all([once(child, "exit"), once(child.stdout as Readable, "close")]);
  child.stdout?.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (errors += data.toString()));
  return {
    child,
    output: () => output,
    errors: () => errors,
    ended: async (): Promise<unknown> => (await ended)[0][0],
    says: async (text: string) => {
      while (!output.includes(text)) await once(child.stdout as Readable, "data");
    },
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}

describe("runUntilSignal()", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("drains in reverse order on %s and ends with 0", async (signal) => {
    using run = start({});
    await run.says('"ready"');
    run.child.kill(signal);
    expect(await run.ended()).toBe(0);
    expect(run.output().indexOf("step second")).toBeGreaterThan(0);
    expect(run.output().indexOf("step first")).toBeGreaterThan(run.output().indexOf("step second"));
  });

  test("ends at once on a second signal", async () => {
    using run = start({ BEHAVIOUR: "hang", DRAIN_MS: "60000" });
    await run.says('"ready"');
    run.child.kill("SIGTERM");
    await run.says("step second");
    // The repeats until one counts: the first ones may fall into the time in which they are the same wish.
    const again = setInterval(() => run.child.kill("SIGINT"), 30);
    expect(await run.ended()).toBe(130);
    clearInterval(again);
  });

  test("takes two signals in a row for one", async () => {
    using run = start({});
    await run.says('"ready"');
    run.child.kill("SIGINT");
    run.child.kill("SIGTERM");
    expect(await run.ended()).toBe(0);
  });

  test("ends with 1 when the drain takes too long, and names the step that hangs and those not begun", async () => {
    using run = start({ BEHAVIOUR: "hang", DRAIN_MS: "100" });
    await run.says('"ready"');
    run.child.kill("SIGTERM");
    expect(await run.ended()).toBe(1);
    expect(run.output()).toContain('"hangs":"second","notBegun":["first","database"]');
  });

  test("runs the other steps when one fails, and ends with 1", async () => {
    using run = start({ BEHAVIOUR: "fail" });
    await run.says('"ready"');
    run.child.kill("SIGTERM");
    expect(await run.ended()).toBe(1);
    expect(run.output()).toContain("cannot close");
    expect(run.output()).toContain("step first");
  });

  test.each(["throw", "reject"])("logs what nobody caught and ends with 1: %s", async (behaviour) => {
    using run = start({ BEHAVIOUR: behaviour });
    expect(await run.ended()).toBe(1);
    expect(run.output()).toContain('"level":"fatal"');
    expect(run.output()).toContain("a bug");
  });

  test("says ready by IPC, and drains when the IPC channel closes", async () => {
    using run = start({ EXIT_WITH_PARENT: "1" }, "ipc");
    const [message] = (await once(run.child, "message")) as [unknown];
    expect(message).toEqual({ type: "ready", port: 1 });
    run.child.disconnect();
    expect(await run.ended()).toBe(0);
    expect(run.output()).toContain("step first");
  });

  test("drains when stdin closes and there is no IPC channel", async () => {
    using run = start({ EXIT_WITH_PARENT: "1" }, "pipe");
    await run.says('"ready"');
    run.child.stdin?.end();
    expect(await run.ended()).toBe(0);
    expect(run.output()).toContain("step first");
  });
});

describe("main()", () => {
  const onlyLine = (output: string): unknown => JSON.parse(output.trimEnd());

  test("logs every configuration problem, and nothing else, and ends with 78", async () => {
    using run = start({ BEHAVIOUR: "", DRAIN_MS: "soon" });
    expect(await run.ended()).toBe(78);
    expect(run.errors()).toBe("");
    expect(onlyLine(run.output())).toMatchObject({
      level: "fatal",
      service: "child",
      problems: ["BEHAVIOUR: is not set", 'DRAIN_MS: must be a positive whole number of milliseconds, got "soon"'],
    });
  });

  test("logs why the program cannot start, with the cause, and nothing else, and ends with 1", async () => {
    using run = start({ BEHAVIOUR: "no-start" });
    expect(await run.ended()).toBe(1);
    expect(run.errors()).toBe("");
    expect(onlyLine(run.output())).toMatchObject({
      level: "fatal",
      service: "child",
      err: { message: "no port: in use", stack: expect.stringContaining("caused by: Error: in use") },
    });
  });
});
