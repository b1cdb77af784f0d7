import { mkdir, symlink, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { tempFile } from "../temp-file.fixture.ts";
import { claimFile } from "./claim-file.ts";

/** What other processes can and cannot claim: main.test.ts. */
describe("claimFile()", () => {
  test("refuses a file that is claimed, until it is given back", async () => {
    await using temp = await tempFile();
    const claim = claimFile(temp.path);
    expect(() => claimFile(temp.path)).toThrow(`Cannot use "${temp.path}": another process has it`);
    claim[Symbol.dispose]();
    using _again = claimFile(temp.path);
  });

  test("refuses it by another name, too", async () => {
    await using temp = await tempFile();
    await writeFile(temp.path, "");
    await symlink(temp.path, `${temp.path}.link`);
    using _claim = claimFile(temp.path);
    expect(() => claimFile(`${temp.path}.link`)).toThrow("another process has it");
  });

  test("claims files of one folder apart", async () => {
    await using temp = await tempFile();
    using _one = claimFile(temp.path);
    expect(() => claimFile(`${temp.path}.other`)[Symbol.dispose]()).not.toThrow();
  });

  test("says so of a lock that it cannot take", async () => {
    await using temp = await tempFile();
    await mkdir(`${temp.path}.lock`);
    expect(() => claimFile(temp.path)).toThrow(`Cannot use "${temp.path}": its lock cannot be taken`);
  });
});
