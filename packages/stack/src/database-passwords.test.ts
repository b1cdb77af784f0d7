import { mkdir, stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { databasePasswords, markProvisioned } from "./database-passwords.ts";
import { stackFolder } from "./stack-folder.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

describe("databasePasswords()", () => {
  test("makes one for each service, and keeps them once the database has them", async () => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    const made = await databasePasswords(folder);
    expect(made.areKnown).toBe(false);
    expect(new Set(Object.values(made.of)).size).toBe(3);
    await markProvisioned(folder, made);
    await mkdir(folder.postgres);
    expect(await databasePasswords(folder)).toEqual({ of: made.of, areKnown: true });
    expect((await stat(folder.passwords)).mode & 0o777).toBe(0o600);
  });

  test("makes no new ones when it cannot read those that there are", async () => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    await mkdir(folder.passwords);
    await expect(databasePasswords(folder)).rejects.toMatchObject({ name: "StackError" });
  });

  test("knows that a database that was deleted does not have them", async () => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    await markProvisioned(folder, await databasePasswords(folder));
    expect(await databasePasswords(folder)).toMatchObject({ areKnown: false });
  });
});
