import { appendFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { boundLog } from "./bound-logs.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

describe("boundLog()", () => {
  test("leaves a small log alone", async () => {
    await using temp = await tempFolder();
    const log = join(temp.path, "order.log");
    await writeFile(log, "small");
    await boundLog(log, 5);
    expect(await readFile(log, "utf8")).toBe("small");
  });

  test("moves what is too much aside; whoever appends goes on in the same file", async () => {
    await using temp = await tempFolder();
    const log = join(temp.path, "order.log");
    await writeFile(log, "too much");
    const { ino } = await stat(log);
    await boundLog(log, 5);
    await appendFile(log, "more");
    expect(await readFile(`${log}.1`, "utf8")).toBe("too much");
    expect(await readFile(log, "utf8")).toBe("more");
    expect((await stat(log)).ino).toBe(ino);
  });
});
