import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { collectFiles } from "../../copy/collect-files.ts";
import { importsOf } from "../../copy/imports-of.ts";
import { type Kit, type KitFile, testsOf } from "../../copy/kit.ts";
import type { Fault } from "./fault.ts";
import { namedWith, readHeader } from "./header.ts";

/** All that a file may import from outside; its tests may import the rest. */
const PACKAGES = ["@grpc/grpc-js"];
const TEST_PACKAGES = [...PACKAGES, "vitest", "fast-check"];

/** What can be seen without running anything: the header, and what is imported. */
export async function checkRules(kit: Kit, file: KitFile): Promise<Fault[]> {
  const path = kit.targetOf(file.source) ?? file.source;
  // In a module, headers name files as they lie in it.
  const named = (target: string) => (kit.module === undefined ? target : target.replace(`${kit.module}/`, ""));
  const text = await readFile(file.source, "utf8");
  const header = readHeader(text);
  if (typeof header === "string") return [{ file: path, message: header }];

  const faults: string[] = [];
  if (header.Copy !== named(path)) faults.push(`says "Copy: ${header.Copy}", and is ${named(path)}`);
  const relative = importsOf(text).filter((module) => module.startsWith("."));
  const targets = relative.map((module) => kit.targetOf(resolve(dirname(file.source), module)) ?? module);
  const imported = [...new Set(targets.map(named))].toSorted();
  if (imported.join(", ") !== namedWith(header).toSorted().join(", ")) {
    faults.push(`says "With: ${header.With}", and imports ${imported.join(", ") || "none"}`);
  }
  if (kit.module !== undefined) return faults.map((message) => ({ file: path, message }));
  const nested = imported.filter((each) => each.includes("/"));
  if (nested.length > 0) faults.push(`imports ${nested.join(", ")}: only files beside client/ and server/ are shared`);
  if (path.includes("/")) {
    if ((await testsOf(file.source)).length === 0) faults.push("has no test beside it");
    faults.push(...(await checkClosure(kit, file, path)));
  }
  return faults.map((message) => ({ file: path, message }));
}

async function checkClosure(kit: Kit, file: KitFile, path: string): Promise<string[]> {
  try {
    const { texts, packages, testPackages } = await collectFiles(kit, [file], { tests: true });
    const own = [path, ...(await testsOf(file.source)).map((test) => kit.targetOf(test))];
    const foreign = [...texts.keys()].filter(
      (each) => each.includes("/") && !each.startsWith("testing/") && !own.includes(each),
    );
    return [
      ...foreign.map((each) => `reaches ${each} through its test: a test uses its own file and testing/ only`),
      ...[...packages].filter((name) => !PACKAGES.includes(name)).map((name) => `imports ${name}`),
      ...[...testPackages].filter((name) => !TEST_PACKAGES.includes(name)).map((name) => `imports ${name} in its test`),
    ];
  } catch (error) {
    return [(error as Error).message];
  }
}
