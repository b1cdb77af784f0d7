import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { folderOf } from "./kit.fixture.ts";

/** Runs the command as a package runner does for a user who stands in `cwd`. */
function copy(cwd: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, INIT_CWD: cwd };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, "main.ts"), ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe("npm run copy", () => {
  test("copies below where the user stands, and says what the copy needs", async () => {
    await using folder = await folderOf({});
    const { code, stdout } = await copy(folder.path, "client/deadline", "src/interceptors");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^src\/interceptors\n(?: {2}\S+\n)*needs: npm install @grpc\/grpc-js@~1\.\d+\.\d+\ntests: /);
    expect(await readdir(join(folder.path, "src/interceptors"))).toEqual(
      expect.arrayContaining(["client", "context.ts", "status.ts", "testing"]),
    );
    expect((await copy(folder.path, "client/deadline", "src/interceptors")).stdout).toContain(
      "  client/deadline.ts (was there)\n",
    );
  });

  test("keeps what the user has changed, unless told otherwise", async () => {
    await using folder = await folderOf({ "status.ts": "// mine\n" });
    const refused = await copy(folder.path, "client/deadline", ".", "--no-tests");
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("  status.ts\n");
    expect(await readdir(folder.path)).toEqual(["status.ts"]);
    expect(await copy(folder.path, "client/deadline", ".", "--no-tests", "--force")).toMatchObject({ code: 0 });
    expect(await readFile(join(folder.path, "status.ts"), "utf8")).not.toContain("mine");
  });

  test.each([
    ["a name that means nothing", ["client/rety", "out"], "client/retry\n"],
    ["a name that means two", ["deadline", "out"], "client/deadline or server/deadline"],
    ["no folder", ["client/deadline"], "give the files and then the folder"],
    ["a last name that was meant to be copied too", ["client/deadline", "client/retry"], "say ./client/retry"],
    ["a file in the place of the folder", ["client/deadline", "file"], "it is not a folder"],
    ["a folder that cannot be made", ["client/deadline", "/proc/x"], "Cannot copy into /proc/x"],
    ["an unknown flag", ["--forse"], "--forse"],
  ])("refuses %s, and writes nothing", async (_, args, message) => {
    await using folder = await folderOf({});
    await writeFile(join(folder.path, "file"), "");
    const { code, stderr } = await copy(folder.path, ...args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
    expect(stderr).not.toContain("    at ");
    expect(await readdir(folder.path)).toEqual(["file"]);
  });

  test("lists what there is", async () => {
    await using folder = await folderOf({});
    await mkdir(join(folder.path, "x"));
    const { stdout } = await copy(join(folder.path, "x"), "--list");
    expect(stdout.split("\n")).toEqual(
      expect.arrayContaining(["client/retry", "server/errors", "rpc/intercept-channel"]),
    );
  });
});
