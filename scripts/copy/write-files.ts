import type { Stats } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InputError } from "../audit/input-error.ts";

/**
 * Writes all texts below the folder, or none: what stands in the way is found first, and what is written gets its name
 * only when all of it is on the disk.
 *
 * @returns The paths that were written; files that are there with the same text are left as they are.
 * @throws {InputError} If a file is there with another text, unless forced, or where a folder has to be.
 */
export async function writeFiles(
  folder: string,
  texts: ReadonlyMap<string, string>,
  { force }: { force: boolean },
): Promise<string[]> {
  const changed: string[] = [];
  const different: string[] = [];
  for (const [path, text] of texts) {
    const state = await stateOf(join(folder, path), text);
    if (state !== "same") changed.push(path);
    if (state === "different") different.push(path);
  }
  if (different.length > 0 && !force) {
    const files = different.map((path) => `  ${path}`).join("\n");
    throw new InputError(
      `Cannot copy into ${folder}: these files differ from ours\n${files}\nNothing was written; --force overwrites them.`,
    );
  }
  if (changed.length === 0) return [];
  try {
    await writeTogether(folder, texts, changed);
  } catch (error) {
    if (!isErrno(error)) throw error;
    throw new InputError(`Cannot copy into ${folder}: ${error.message}`, { cause: error });
  }
  return changed;
}

async function writeTogether(folder: string, texts: ReadonlyMap<string, string>, paths: string[]): Promise<void> {
  await makeFolder(folder);
  const staging = await mkdtemp(join(folder, ".copy-"));
  try {
    for (const [index, path] of paths.entries()) await writeFile(join(staging, `${index}`), texts.get(path) ?? "");
    for (const path of paths) await makeFolder(dirname(join(folder, path)));
    for (const [index, path] of paths.entries()) await rename(join(staging, `${index}`), join(folder, path));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** One level at a time: Node's recursive mkdir never comes back below /proc, where nothing can be made. */
async function makeFolder(path: string): Promise<void> {
  if ((await find(path)) !== undefined) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path);
}

async function stateOf(path: string, text: string): Promise<"absent" | "same" | "different"> {
  // The nearest thing that exists decides: a file where a folder has to be stands in the way.
  let at = path;
  let found = await find(at);
  while (found === undefined && dirname(at) !== at) {
    at = dirname(at);
    found = await find(at);
  }
  if (at === path) {
    if (found?.isFile() !== true) throw new InputError(`Cannot write ${path}: there is a folder of that name`);
    return (await readFile(path, "utf8")) === text ? "same" : "different";
  }
  if (found?.isDirectory() !== true) throw new InputError(`Cannot write below ${at}: it is not a folder`);
  return "absent";
}

async function find(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isErrno(error) && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
    if (isErrno(error)) throw new InputError(`Cannot read ${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && "syscall" in error;
}
