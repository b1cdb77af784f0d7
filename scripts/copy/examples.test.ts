import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describe, expect, test } from "vitest";
import { collectFiles } from "./collect-files.ts";
import { ownKit } from "./kit.ts";
import { readOptions } from "./options.ts";
import { selectFiles } from "./select-files.ts";

const examples = join(import.meta.dirname, "../../examples");

/** What an example's own `npm run copy` asks for. */
function askedFor(example: string) {
  const json = readFileSync(join(examples, example, "package.json"), "utf8");
  const { copy } = (JSON.parse(json) as { scripts: { copy: string } }).scripts;
  const { positionals } = parseArgs({ args: copy.split(" "), allowPositionals: true, strict: false });
  return readOptions(positionals.slice(positionals.indexOf("copy") + 1).concat("--no-tests"));
}

describe("the interceptors of an example are what `npm run copy` in its folder writes", () => {
  test.each(["plain-grpc-js", "nice-grpc"])("%s", async (example) => {
    const options = askedFor(example);
    if (options.action !== "copy") throw new Error("Not a copy");
    const kit = await ownKit();
    const { texts } = await collectFiles(kit, selectFiles(kit.files, options.names), { tests: false });
    const folder = join(examples, example, options.folder);
    const there = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const copied = there.map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")] as const);
    const message = `These are not the current copies. Run: npm run copy, in examples/${example}`;
    expect(Object.fromEntries(copied), message).toEqual(Object.fromEntries(texts));
  });
});
