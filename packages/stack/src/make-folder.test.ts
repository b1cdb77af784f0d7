import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeFolder } from "./make-folder.ts";
import { stackFolder } from "./stack-folder.ts";

async function aFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-make-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

describe("makeFolder()", () => {
  test("makes the folder with all that it stands in, and takes one that is there", async () => {
    const path = join(await aFolder(), "a/b/c");
    await makeFolder(stackFolder(path));
    await makeFolder(stackFolder(path));
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  test("says so when a file has the name", async () => {
    const path = join(await aFolder(), "file");
    await writeFile(path, "");
    await expect(makeFolder(stackFolder(path))).rejects.toMatchObject({ name: "StackError" });
    await expect(makeFolder(stackFolder(join(path, "below")))).rejects.toMatchObject({ name: "StackError" });
  });

  test("says so where nothing can be made, instead of trying for ever", async () => {
    await expect(makeFolder(stackFolder("/proc/holdfast/below"))).rejects.toMatchObject({ name: "StackError" });
  });
});
