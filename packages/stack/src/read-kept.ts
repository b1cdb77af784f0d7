import { readIfThere } from "./read-if-there.ts";

/**
 * What an earlier start has kept in a JSON file. Nothing where there is no file, or one that was cut off, as a machine that
 * lost its power leaves it: all that is kept so can be made again.
 * @throws {StackError} If the file is there and cannot be read.
 */
export async function readKept<T extends object>(path: string): Promise<Partial<T>> {
  const text = (await readIfThere(path)) ?? "";
  try {
    const kept: unknown = JSON.parse(text);
    return typeof kept === "object" && kept !== null ? kept : {};
  } catch {
    return {};
  }
}
