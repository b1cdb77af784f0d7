import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { canUse, postgresAccount } from "./account.ts";
import { reachableBinaries, substituteFor } from "./place.ts";

/** Only root lends its server another account. */
describe.runIf(process.getuid?.() === 0)("reachableBinaries() as root", () => {
  async function binaries(mode: number) {
    const native = await mkdtemp(join(tmpdir(), "holdfast-test-binaries-"));
    const folder = join(native, "data");
    onTestFinished(async () => {
      await rm(native, { recursive: true });
      await rm(substituteFor(folder), { recursive: true, force: true });
    });
    await mkdir(join(native, "bin"));
    await writeFile(join(native, "bin", "postgres"), "", { mode: 0o755 });
    await chmod(native, mode);
    return { native, folder };
  }

  test("uses them where they are if the account can", async () => {
    const { native, folder } = await binaries(0o755);
    const account = await postgresAccount();
    expect(await reachableBinaries(native, folder, account, () => {})).toBe(native);
  });

  test("copies them once if it cannot, and again if the copy was interrupted", async () => {
    const { native, folder } = await binaries(0o700);
    const account = await postgresAccount();
    const said: string[] = [];
    const find = () => reachableBinaries(native, folder, account, (message) => said.push(message));
    const copy = await find();
    expect(await canUse(account, join(copy, "bin", "postgres"), "run")).toBe(true);
    expect(await find()).toBe(copy);
    expect(said).toHaveLength(1);
    await rm(join(copy, "bin", "postgres"));
    await rm(join(substituteFor(folder), "binaries.source"));
    await find();
    expect((await stat(join(copy, "bin", "postgres"))).isFile()).toBe(true);
  });

  test("does not trust a folder that somebody else can write to", async () => {
    const { native, folder } = await binaries(0o700);
    await mkdir(substituteFor(folder));
    await chmod(substituteFor(folder), 0o777);
    const find = reachableBinaries(native, folder, await postgresAccount(), () => {});
    await expect(find).rejects.toThrow("belongs to somebody else");
  });
});
