import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { processIdentity } from "@holdfast/storage/embedded";
import { describe, expect, test } from "vitest";
import { lockFolder } from "./lock-folder.ts";
import { stackFolder } from "./stack-folder.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

describe("lockFolder()", () => {
  test("refuses a folder that a running process has, and names it", async () => {
    await using temp = await tempFolder();
    await using _held = await lockFolder(stackFolder(temp.path));
    await expect(lockFolder(stackFolder(temp.path))).rejects.toMatchObject({
      name: "StackError",
      message: expect.stringContaining(`process ${process.pid}`),
    });
  });

  test("gives the folder back, and leaves nothing behind", async () => {
    await using temp = await tempFolder();
    const lock = await lockFolder(stackFolder(temp.path));
    await lock[Symbol.asyncDispose]();
    expect(await readdir(temp.path)).toEqual([]);
  });

  test("waits for a stack that is stopping", async () => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    const first = await lockFolder(folder);
    const waiting = Promise.withResolvers<string>();
    const second = lockFolder(folder, { isStopping: async () => true, onWait: waiting.resolve });
    expect(await waiting.promise).toContain(`process ${process.pid}`);
    await first[Symbol.asyncDispose]();
    await using _taken = await second;
    await expect(lockFolder(folder)).rejects.toMatchObject({ name: "StackError" });
  });

  test.each([
    ["of a process that has ended", async () => "999999999 1"],
    ["of an earlier process with an id that is in use again", async () => `${process.pid} 1`],
    ["without content", async () => ""],
  ])("takes over a lock %s", async (_, content) => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    await writeFile(folder.lock, await content());
    await using _lock = await lockFolder(folder);
    expect(await readFile(folder.lock, "utf8")).toBe(await processIdentity(process.pid));
  });

  test("says so of a lock that it cannot read, instead of trying for ever", async () => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    await mkdir(folder.lock);
    await expect(lockFolder(folder)).rejects.toMatchObject({
      name: "StackError",
      message: expect.stringContaining(folder.lock),
    });
    expect(await readdir(temp.path)).toEqual(["stack.lock"]);
  });

  test("lets one of many have a stale lock", async () => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    await writeFile(folder.lock, "999999999 1");
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));
    expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await readdir(temp.path)).toEqual(["stack.lock"]);
  });
});
