import { mkdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { endLeftovers } from "./end-leftovers.ts";
import { stackFolder } from "./stack-folder.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

const onProgress = () => undefined;

describe("endLeftovers()", () => {
  test("has nothing to do at the first start", async () => {
    await using temp = await tempFolder();
    await expect(endLeftovers(stackFolder(temp.path), onProgress)).resolves.toBeUndefined();
  });

  test("says so when it cannot read what an earlier start has left", async () => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    await mkdir(folder.stackFile);
    await expect(endLeftovers(folder, onProgress)).rejects.toMatchObject({ name: "StackError" });
  });
});
