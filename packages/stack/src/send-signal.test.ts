import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { sendSignal } from "./send-signal.ts";

describe("sendSignal()", () => {
  test("reaches a process, and does not mind one that has ended", async () => {
    const child = spawn("sleep", ["60"]);
    await once(child, "spawn");
    const { pid = 0 } = child;
    const ended = once(child, "exit");
    sendSignal(pid, "SIGTERM");
    expect(await ended).toEqual([null, "SIGTERM"]);
    expect(() => sendSignal(pid, "SIGTERM")).not.toThrow();
  });

  test("fails with a signal that there is not", () => {
    expect(() => sendSignal(process.pid, "SIGNOTHING" as never)).toThrow("SIGNOTHING");
  });
});
