import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { processIdentity, removeEmbeddedPostgres } from "@holdfast/storage/embedded";
import { describe, expect, onTestFinished, test } from "vitest";
import { forgetData } from "./forget-data.ts";
import { stackFolder } from "./stack-folder.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

const RUN_POSTGRES = fileURLToPath(new URL("../../storage/src/testing/run-postgres.fixture.ts", import.meta.url));

const never = new AbortController().signal;

/** A database server that is frozen, and whose process was killed. Returns its process. */
async function leaveFrozenPostgres(folder: string): Promise<number> {
  const child = spawn(process.execPath, [RUN_POSTGRES, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout.setEncoding("utf8"), "data");
  const pid = Number.parseInt(String(line), 10);
  process.kill(pid, "SIGSTOP");
  onTestFinished(async () => {
    if ((await processIdentity(pid)) !== undefined) process.kill(pid, "SIGKILL");
    await removeEmbeddedPostgres(folder);
  });
  child.kill("SIGKILL");
  await once(child, "exit");
  return pid;
}

describe("forgetData()", () => {
  test("deletes what a stack keeps, and nothing else", async () => {
    await using temp = await tempFolder();
    const folder = stackFolder(temp.path);
    for (const path of [folder.postgres, folder.provider, folder.logs]) await mkdir(path);
    for (const path of [folder.passwords, folder.stackFile, folder.seeded, join(temp.path, "mine")]) {
      await writeFile(path, "");
    }
    await forgetData(folder, { onProgress: () => {}, signal: never });
    expect(await readdir(temp.path)).toEqual(["mine"]);
  });

  test.each([
    ["in the folder", 0o755],
    ["elsewhere, where root's server cannot reach the folder", 0o700],
  ])("ends a database that an earlier stack left running %s", async (_, mode) => {
    await using temp = await tempFolder();
    await chmod(temp.path, mode);
    const { postgres } = stackFolder(temp.path);
    const pid = await leaveFrozenPostgres(postgres);
    const said: string[] = [];
    await forgetData(stackFolder(temp.path), { onProgress: (message) => said.push(message), signal: never });
    expect(await processIdentity(pid)).toBeUndefined();
    expect(said).toEqual([`waiting for the database of an earlier run to stop (process ${pid})`]);
  });
});
