import { mkdir, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { isStopping } from "./is-stopping.ts";
import { stackFolder } from "./stack-folder.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

describe("isStopping()", () => {
  test.each([
    [true, { stopping: true }],
    [false, {}],
  ])("is %s of a stack that says %j", async (expected, content) => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    await writeFile(folder.stackFile, JSON.stringify(content));
    expect(await isStopping(folder)).toBe(expected);
  });

  test("is false of a stack that has not said anything yet", async () => {
    await using temp = await tempFolder();
    expect(await isStopping(stackFolder(temp.path))).toBe(false);
  });

  test("says so when it cannot read what the stack says", async () => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    await mkdir(folder.stackFile);
    await expect(isStopping(folder)).rejects.toMatchObject({ name: "StackError" });
  });
});
