import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startKeeper } from "./keeper.ts";

/** A server that is too busy for a fast shutdown, and says so by the exit code of the immediate one. */
const STUBBORN = `
  process.on("SIGINT", () => {});
  process.on("SIGQUIT", () => process.exit(7));
  console.log("ready");
  setInterval(() => {}, 1_000);
`;

test("startKeeper() ends a server by force that does not stop in time", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "holdfast-test-keeper-"));
  const log = join(cwd, "log");
  try {
    const keeper = await startKeeper({
      command: process.execPath,
      args: ["-e", STUBBORN],
      env: process.env,
      account: undefined,
      log,
      cwd,
      fastShutdownMs: 200,
    });
    await expect.poll(() => readFile(log, "utf8")).toBe("ready\n");
    keeper.release();
    expect(await keeper.exited).toBe(7);
  } finally {
    await rm(cwd, { recursive: true });
  }
});
