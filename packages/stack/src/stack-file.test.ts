import { stat } from "node:fs/promises";
import { processIdentity } from "@holdfast/storage/embedded";
import { describe, expect, test } from "vitest";
import { keepStackFile } from "./keep-stack-file.ts";
import { readStackFile } from "./stack-file.ts";
import { stackFolder } from "./stack-folder.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

const perService = (value: string) => ({ payment: value, product: value, order: value });
const facts = {
  pid: 7,
  targets: perService("127.0.0.1:1"),
  databaseUrls: perService("postgresql://x"),
  clusterDns: "127.0.0.1:3",
  providerUrl: "http://127.0.0.1:2",
  providerFile: "/effects.jsonl",
  logs: "/logs",
};

describe("keepStackFile()", () => {
  test("says which processes run, to this user only", async () => {
    await using temp = await tempFolder();
    const { stackFile } = stackFolder(temp.path);
    const file = keepStackFile(stackFile, facts, () => undefined);
    for (const [name, pid] of [["order", process.pid] as const, ["payment", process.ppid] as const]) {
      file.onEvent({ kind: "started", process: name, pid });
    }
    file.onEvent({ kind: "ended", process: "payment", how: "SIGKILL", againInMs: 100 });
    await file.written();
    const identities = [await processIdentity(process.pid)];
    expect(await readStackFile(temp.path)).toEqual({ ...facts, pids: { order: process.pid }, identities });
    expect((await stat(stackFile)).mode & 0o777).toBe(0o600);
  });
});

describe("keepStackFile().stop()", () => {
  test("says that the stack is about to end", async () => {
    await using temp = await tempFolder();
    const file = keepStackFile(stackFolder(temp.path).stackFile, facts, () => undefined);
    file.stop();
    await file.written();
    expect(await readStackFile(temp.path)).toMatchObject({ stopping: true });
  });
});

describe("readStackFile()", () => {
  test("says how to start a stack where there is none", async () => {
    await using temp = await tempFolder();
    await expect(readStackFile(temp.path)).rejects.toMatchObject({ name: "StackError" });
  });
});
