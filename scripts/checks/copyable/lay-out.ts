import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { collectFiles } from "../../copy/collect-files.ts";
import type { Kit, KitFile } from "../../copy/kit.ts";
import { writeFiles } from "../../copy/write-files.ts";

const ROOT = join(import.meta.dirname, "../../..");
/** All that a copy finds there, each from where it is installed here. */
const PACKAGES = {
  "@grpc/grpc-js": "packages/interceptors",
  vitest: "packages/interceptors",
  "fast-check": "packages/interceptors",
  "@types/node": ".",
  typescript: ".",
};

/** A copied file in a project of its own. */
export interface Copy {
  /** As it lies in the copy, such as `client/retry.ts`. */
  readonly path: string;
  readonly folder: string;
  /** The tests that came with it, as they lie in the folder. */
  readonly tests: readonly string[];
}

/** Copies one file as the command does, into an otherwise empty project below `parent`. */
export async function layOut(kit: Kit, file: KitFile, parent: string): Promise<Copy> {
  const folder = join(parent, file.name.replace("/", "-"));
  const { texts } = await collectFiles(kit, [file], { tests: true });
  await writeFiles(folder, texts, { force: false });
  const base = JSON.parse(await readFile(join(ROOT, "tsconfig.base.json"), "utf8")) as { compilerOptions: object };
  const json = { "package.json": { name: "copy", private: true, type: "module" }, "tsconfig.json": base };
  for (const [name, value] of Object.entries(json)) await writeFile(join(folder, name), JSON.stringify(value));
  for (const [name, from] of Object.entries(PACKAGES)) {
    const link = join(folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(installed(name, from), link);
  }
  const tests = [...texts.keys()].filter((path) => path.endsWith(".test.ts"));
  return { path: kit.targetOf(file.source) ?? file.name, folder, tests };
}

function installed(name: string, from: string): string {
  const folders = createRequire(resolve(ROOT, from, "package.json")).resolve.paths(name) ?? [];
  return join(folders[0] ?? ROOT, name);
}
