import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { InputError } from "../audit/input-error.ts";
import { collectFiles } from "./collect-files.ts";
import { importsOf, packageOf } from "./imports-of.ts";
import { folderOf, GOOD_KIT } from "./kit.fixture.ts";
import { readKit } from "./kit.ts";
import { readOptions } from "./options.ts";
import { selectFiles } from "./select-files.ts";
import { writeFiles } from "./write-files.ts";

describe("importsOf()", () => {
  test("finds every form of import, and none in comments", () => {
    const text = `import "a";
import type { B } from "./b.ts";
import {
  c,
} from "../c.ts";
export * from "d";
export { e } from "e";
// import "not-this";
 * import x from "nor-this";
const f = await import("f");
const g = new URL("./g.ts", import.meta.url);
`;
    expect(importsOf(text)).toEqual(["a", "./b.ts", "../c.ts", "d", "e", "f", "./g.ts"]);
  });

  test.each([
    ["node:fs", undefined],
    ["vitest/node", "vitest"],
    ["@grpc/grpc-js/build/src/x", "@grpc/grpc-js"],
  ])("%s is of package %s", (module, name) => {
    expect(packageOf(module)).toBe(name);
  });
});

describe("selectFiles()", () => {
  const files = ["client/retry", "client/errors", "server/errors"].map((name) => ({
    name,
    source: "",
    test: undefined,
  }));

  test.each([["retry"], ["client/retry"], ["client/retry.ts"]])("takes %s", (name) => {
    expect(selectFiles(files, [name])).toEqual([files[0]]);
  });

  test("takes a file once, however often it is named", () => {
    expect(selectFiles(files, ["retry", "client/retry"])).toHaveLength(1);
  });

  test("lists what there is for a name that means nothing", () => {
    expect(() => selectFiles(files, ["rety"])).toThrow(/"rety"[^]*client\/retry\nclient\/errors\nserver\/errors/);
  });

  test("asks which, where a name means two", () => {
    expect(() => selectFiles(files, ["errors"])).toThrow("client/errors or server/errors");
  });
});

describe("collectFiles()", () => {
  test("follows what files and tests import", async () => {
    await using folder = await folderOf(GOOD_KIT);
    const kit = await readKit(folder.path);
    const { texts, packages, testPackages } = await collectFiles(kit, kit.files, { tests: true });
    expect([...texts.keys()]).toEqual([
      "client/twice.test.ts",
      "client/twice.ts",
      "now.ts",
      "server/alone.test.ts",
      "server/alone.ts",
      "testing/answer.ts",
    ]);
    expect([...packages]).toEqual(["@grpc/grpc-js"]);
    expect([...testPackages]).toEqual(["vitest"]);
  });

  test("brings all tests of a file, and those of what it needs", async () => {
    const tests = { "client/twice.far.test.ts": 'import "vitest";\n', "now.test.ts": 'import "fast-check";\n' };
    await using folder = await folderOf({ ...GOOD_KIT, ...tests });
    const kit = await readKit(folder.path);
    const { texts, packages, testPackages } = await collectFiles(kit, selectFiles(kit.files, ["twice"]), {
      tests: true,
    });
    expect([...texts.keys()]).toEqual(expect.arrayContaining(Object.keys(tests)));
    expect(packages.size).toBe(0);
    expect([...testPackages].toSorted()).toEqual(["fast-check", "vitest"]);
  });

  test("leaves tests out, and what only they need", async () => {
    await using folder = await folderOf(GOOD_KIT);
    const kit = await readKit(folder.path);
    const { texts, testPackages } = await collectFiles(kit, selectFiles(kit.files, ["twice"]), { tests: false });
    expect([...texts.keys()]).toEqual(["client/twice.ts", "now.ts"]);
    expect(testPackages.size).toBe(0);
  });

  test("gives a file from elsewhere its place in the copy", async () => {
    await using folder = await folderOf({
      ...GOOD_KIT,
      "far/away.ts": "export {};\n",
      "far/away.test.ts": "export {};\n",
    });
    const kit = await readKit(folder.path, { "rpc/away": join(folder.path, "far/away.ts"), "rpc/none": "/nowhere.ts" });
    const { texts } = await collectFiles(kit, selectFiles(kit.files, ["away"]), { tests: true });
    expect([...texts.keys()]).toEqual(["rpc/away.test.ts", "rpc/away.ts"]);
  });

  test("refuses a file that reaches out of the kit", async () => {
    await using outside = await folderOf({ "x.ts": "export {};\n" });
    await using folder = await folderOf({ "client/a.ts": `import "../../${outside.path.split("/").at(-1)}/x.ts";\n` });
    const kit = await readKit(folder.path);
    await expect(collectFiles(kit, kit.files, { tests: true })).rejects.toThrow("outside of the kit");
  });
});

describe("writeFiles()", () => {
  const texts = new Map([
    ["client/a.ts", "a"],
    ["b.ts", "b"],
  ]);

  test("writes what is not there, and leaves nothing else behind", async () => {
    await using folder = await folderOf({ "b.ts": "b" });
    expect(await writeFiles(folder.path, texts, { force: false })).toEqual(["client/a.ts"]);
    expect((await readdir(folder.path, { recursive: true })).toSorted()).toEqual(["b.ts", "client", "client/a.ts"]);
    expect(await readFile(join(folder.path, "client/a.ts"), "utf8")).toBe("a");
  });

  test("writes nothing when a file differs, unless forced", async () => {
    await using folder = await folderOf({ "b.ts": "mine" });
    await expect(writeFiles(folder.path, texts, { force: false })).rejects.toThrow(/differ from ours\n {2}b\.ts/);
    expect(await readdir(folder.path)).toEqual(["b.ts"]);
    expect(await writeFiles(folder.path, texts, { force: true })).toEqual(["client/a.ts", "b.ts"]);
    expect(await readFile(join(folder.path, "b.ts"), "utf8")).toBe("b");
  });

  test.each([
    ["a file where a folder has to be", { client: "a file" }, "it is not a folder"],
    ["a folder where a file has to be", { "b.ts/x": "" }, "there is a folder of that name"],
  ])("writes nothing into %s", async (_, files, message) => {
    await using folder = await folderOf(files);
    await expect(writeFiles(folder.path, texts, { force: true })).rejects.toThrow(message);
    expect(await readdir(folder.path)).toHaveLength(1);
  });

  test("names what the machine does not allow", async () => {
    // A name that no file system takes: permissions do not stop every user.
    const long = new Map([[`${"x".repeat(300)}.ts`, ""]]);
    await using folder = await folderOf({});
    await expect(writeFiles(folder.path, long, { force: false })).rejects.toBeInstanceOf(InputError);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test("makes the folder", async () => {
    await using folder = await folderOf({});
    await writeFiles(join(folder.path, "src/interceptors"), texts, { force: false });
    expect(await readdir(join(folder.path, "src/interceptors"))).toEqual(["b.ts", "client"]);
  });
});

describe("readOptions()", () => {
  test("reads names, folder and flags", () => {
    expect(readOptions(["--", "client/retry", "breaker", "../src", "--force", "--no-tests"])).toEqual({
      action: "copy",
      names: ["client/retry", "breaker"],
      folder: "../src",
      tests: false,
      force: true,
    });
    expect(readOptions(["--list"])).toEqual({ action: "list" });
    expect(readOptions(["--help"])).toEqual({ action: "help" });
  });

  test.each([[[]], [["client/retry"]], [["retry", ""]], [["--forse", "retry", "x"]]])("refuses %j", (args) => {
    expect(() => readOptions(args)).toThrow(InputError);
  });
});
