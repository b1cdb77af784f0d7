import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { claim } from "./claim.ts";
import { placeIn } from "./place.ts";
import { processIdentity } from "./process-identity.ts";

async function aPlace() {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-test-claim-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return placeIn(folder);
}

describe("claim()", () => {
  test("refuses a cluster that a running process has, and names it", async () => {
    const place = await aPlace();
    await using _held = await claim(place);
    await expect(claim(place)).rejects.toThrow(`process ${process.pid} is preparing it`);
  });

  test("gives the cluster back", async () => {
    const place = await aPlace();
    const held = await claim(place);
    await held[Symbol.asyncDispose]();
    await expect(stat(place.owner)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test.each([
    ["a process that has ended", "999999999 1"],
    ["an earlier process with an id that is in use again", `${process.pid} 1`],
    ["who left an id only, which tells nothing", `${process.pid}`],
    ["who left nothing in it", ""],
  ])("takes over the cluster of %s", async (_, left) => {
    const place = await aPlace();
    await writeFile(place.owner, left);
    await using _held = await claim(place);
    expect(await readFile(place.owner, "utf8")).toBe(await processIdentity(process.pid));
  });
});
