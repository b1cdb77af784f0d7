import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { StackError } from "./stack-error.ts";

/** What a file holds; `undefined` where there is none. @throws {StackError} If it is there and cannot be read. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    const reason = code === "EACCES" ? `the user "${userInfo().username}" has no permission` : message;
    throw new StackError(`Cannot read "${path}": ${reason}. Choose another --folder.`, { cause });
  }
}
