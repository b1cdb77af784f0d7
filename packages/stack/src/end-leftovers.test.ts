import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { processIdentity } from "@holdfast/storage/embedded";
import { describe, expect, onTestFinished, test } from "vitest";
import { endLeftovers } from "./end-leftovers.ts";
import { stackFolder } from "./stack-folder.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

const onProgress = () => undefined;

/** A process that somebody left behind. */
async function aProcess(): Promise<{ child: ChildProcess; pid: number; identity: string }> {
  const child = spawn("sleep", ["60"]);
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  return { child, pid, identity: (await processIdentity(pid)) ?? "" };
}

describe("endLeftovers()", () => {
  test("has nothing to do at the first start", async () => {
    await using temp = await tempFolder();
    await expect(endLeftovers(stackFolder(temp.path), onProgress)).resolves.toBeUndefined();
  });

  test("ends a program of an earlier start, and says so", async () => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    const { child, pid, identity } = await aProcess();
    await writeFile(folder.stackFile, JSON.stringify({ pids: { order: pid }, identities: [identity] }));
    const said: string[] = [];
    const ended = once(child, "exit");
    await endLeftovers(folder, (message) => said.push(message));
    expect(await ended).toEqual([null, "SIGTERM"]);
    expect(said).toEqual([`waiting for order of an earlier start to end (process ${pid})`]);
  });

  test.each([
    ["a process that has got the id since", "order", (pid: number) => [`${pid} 1`]],
    ["a process of which it only has the id", "order", () => undefined],
    ["the database, which has its own way", "postgres", (_: number, identity: string) => [identity]],
  ])("does not end %s", async (_, name, identities) => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    const { pid, identity } = await aProcess();
    const kept = { pids: { [name]: pid }, identities: identities(pid, identity) };
    await writeFile(folder.stackFile, JSON.stringify(kept));
    await endLeftovers(folder, onProgress);
    expect(await processIdentity(pid)).toBe(identity);
  });

  test("says so when it cannot read what an earlier start has left", async () => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    await mkdir(folder.stackFile);
    await expect(endLeftovers(folder, onProgress)).rejects.toMatchObject({ name: "StackError" });
  });
});
