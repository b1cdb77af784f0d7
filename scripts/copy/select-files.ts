import { InputError } from "../audit/input-error.ts";
import type { KitFile } from "./kit.ts";

/**
 * The files that the names mean: `client/retry`, or `retry` where only one folder has it.
 *
 * @throws {InputError} If a name means none, or more than one.
 */
export function selectFiles(files: readonly KitFile[], names: readonly string[]): KitFile[] {
  const chosen = new Set<KitFile>();
  for (const given of names) {
    const name = given.replace(/\.ts$/, "");
    const meant = files.filter((each) => each.name === name || each.name.split("/")[1] === name);
    const [file] = meant;
    if (file === undefined) throw new InputError(`Cannot copy "${given}": there is no such file\n\n${listed(files)}`);
    if (meant.length > 1) {
      throw new InputError(`Cannot copy "${given}": say which, ${meant.map((each) => each.name).join(" or ")}`);
    }
    chosen.add(file);
  }
  return [...chosen];
}

/** The names that can be given, one a line. */
export function listed(files: readonly KitFile[]): string {
  return files.map(({ name }) => name).join("\n");
}
