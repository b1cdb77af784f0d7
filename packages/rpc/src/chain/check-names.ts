import { ChainError } from "./chain-error.ts";

/** `package.Service` of `/package.Service/Method`. */
export function serviceOf(path: string): string {
  return path.slice(1, path.lastIndexOf("/"));
}

/**
 * Refuses names that stand for nothing that the server has.
 *
 * @param names What a part's options name.
 * @param forms All names that one method may go by there.
 * @throws {ChainError}
 */
export function checkNames(
  part: string,
  names: readonly string[] | undefined,
  paths: Iterable<string>,
  forms: (path: string) => readonly string[],
): void {
  const known = new Set([...paths].flatMap(forms));
  const unknown = names?.find((name) => !known.has(name));
  if (unknown !== undefined) throw new ChainError(`"${part}" names "${unknown}", which this server does not have`);
}
