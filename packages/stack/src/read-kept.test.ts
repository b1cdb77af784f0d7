import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readKept } from "./read-kept.ts";
import { tempFolder } from "./temp-folder.fixture.ts";
import { writePrivately } from "./write-privately.ts";

describe("readKept()", () => {
  test("gives what was kept", async () => {
    await using temp = await tempFolder();
    const path = join(temp.path, "kept.json");
    await writePrivately(path, { order: "secret" });
    expect(await readKept(path)).toEqual({ order: "secret" });
  });

  test("gives nothing where there is no file", async () => {
    await using temp = await tempFolder();
    expect(await readKept(join(temp.path, "kept.json"))).toEqual({});
  });

  test.each(["", '{"order": "sec', "null", "\0\0\0\0"])(
    "gives nothing of a file that was cut off: %j",
    async (content) => {
      await using temp = await tempFolder();
      const path = join(temp.path, "kept.json");
      await writeFile(path, content);
      expect(await readKept(path)).toEqual({});
    },
  );

  test("says so when it cannot read it", async () => {
    await using temp = await tempFolder();
    const path = join(temp.path, "kept.json");
    await mkdir(path);
    await expect(readKept(path)).rejects.toMatchObject({ name: "StackError" });
  });
});
