import { access, constants, mkdir, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { StackError } from "./stack-error.ts";
import type { StackFolder } from "./stack-folder.ts";

/** Makes the folder, and makes sure that it can be written to. @throws {StackError} */
export async function makeFolder({ path }: StackFolder): Promise<void> {
  try {
    await makeWithParents(path);
    await access(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const user = `the user "${userInfo().username}"`;
    const why: Record<string, string> = {
      EACCES: `${user} has no permission`,
      EPERM: `${user} has no permission`,
      EROFS: "it is on a read-only disk",
      ENOSPC: "the disk is full",
      EEXIST: "there is a file of that name",
      ENOENT: "nothing can be made there",
      ENOTDIR: "a part of the path is a file",
    };
    const reason = why[(cause as NodeJS.ErrnoException).code ?? ""] ?? (cause as Error).message;
    throw new StackError(`Cannot keep data in "${path}": ${reason}. Choose another --folder.`, { cause });
  }
}

/** As `mkdir` with `recursive`, which never returns where nothing can be made, as below /proc. */
async function makeWithParents(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    const parent = dirname(path);
    if (code !== "ENOENT" || (await exists(parent))) throw error;
    await makeWithParents(parent);
    await mkdir(path);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
