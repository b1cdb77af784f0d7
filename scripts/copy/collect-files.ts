import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { importsOf, packageOf } from "./imports-of.ts";
import { type Kit, type KitFile, testsOf } from "./kit.ts";

/** What is copied: texts by the path below the target folder, and the packages that they import. */
export interface Collected {
  readonly texts: ReadonlyMap<string, string>;
  readonly packages: ReadonlySet<string>;
  /** Imported by the tests and what they need, and by nothing else. */
  readonly testPackages: ReadonlySet<string>;
}

/** The files with all that they import, and unless told otherwise the tests of each, with all that those import. */
export async function collectFiles(
  kit: Kit,
  files: readonly KitFile[],
  { tests }: { tests: boolean },
): Promise<Collected> {
  const texts = new Map<string, string>();
  const packages = new Set<string>();
  const testPackages = new Set<string>();
  for (const { source } of files) await collect({ kit, tests, texts, packages, testPackages }, source, packages);
  for (const name of packages) testPackages.delete(name);
  return { texts: new Map([...texts].toSorted(byPath)), packages, testPackages };
}

interface Collecting extends Collected {
  readonly kit: Kit;
  readonly tests: boolean;
  readonly texts: Map<string, string>;
  readonly packages: Set<string>;
  readonly testPackages: Set<string>;
}

/** Takes in a file and all behind it. `into`: what the packages that it imports are needed for. */
async function collect(all: Collecting, source: string, into: Set<string>): Promise<void> {
  const { kit, tests, texts } = all;
  const target = kit.targetOf(source);
  if (target === undefined) throw new Error(`${source} is not part of the kit`);
  if (texts.has(target)) return;
  const text = await readFile(source, "utf8");
  texts.set(target, text);
  for (const module of importsOf(text)) {
    if (!module.startsWith(".")) {
      const name = packageOf(module);
      if (name !== undefined) into.add(name);
      continue;
    }
    const imported = resolve(dirname(source), module);
    if (!existsSync(imported)) throw new Error(`${target} imports ${module}, which does not exist`);
    if (kit.targetOf(imported) === undefined) throw new Error(`${target} imports ${module}, outside of the kit`);
    await collect(all, imported, into);
  }
  if (!tests || target.endsWith(".test.ts")) return;
  for (const test of await testsOf(source)) await collect(all, test, all.testPackages);
}

function byPath([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}
