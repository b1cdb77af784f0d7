import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readIfThere } from "./read-if-there.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

describe("readIfThere()", () => {
  test("gives what is in the file, and undefined where there is none", async () => {
    await using temp = await tempFolder();
    const path = join(temp.path, "file");
    expect(await readIfThere(path)).toBeUndefined();
    await writeFile(path, "text");
    expect(await readIfThere(path)).toBe("text");
  });

  test("does not take for missing what it cannot read", async () => {
    await using temp = await tempFolder();
    const path = join(temp.path, "folder");
    await mkdir(path);
    await expect(readIfThere(path)).rejects.toMatchObject({
      name: "StackError",
      message: expect.stringContaining(path),
    });
  });

  test.runIf(process.getuid?.() !== 0)("says so of a file that another user keeps to himself", async () => {
    await using temp = await tempFolder();
    const path = join(temp.path, "file");
    await writeFile(path, "text");
    await chmod(path, 0o000);
    await expect(readIfThere(path)).rejects.toMatchObject({
      name: "StackError",
      message: expect.stringContaining("has no permission"),
    });
  });
});
