import { access, constants, mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { StackError } from "./stack-error.ts";
import type { StackFolder } from "./stack-folder.ts";

/** Makes the folder, and makes sure that it can be written to. @throws {StackError} */
export async function makeFolder({ path }: StackFolder): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const user = `the user "${userInfo().username}"`;
    const why: Record<string, string> = {
      EACCES: `${user} has no permission`,
      EPERM: `${user} has no permission`,
      EROFS: "it is on a read-only disk",
      ENOSPC: "the disk is full",
      EEXIST: "there is a file of that name",
      ENOTDIR: "a part of the path is a file",
    };
    const reason = why[(cause as NodeJS.ErrnoException).code ?? ""] ?? (cause as Error).message;
    throw new StackError(`Cannot keep data in "${path}": ${reason}. Choose another --folder.`, { cause });
  }
}
