import { readFile, writeFile } from "node:fs/promises";

const NUMBERS = new URL("../../docs/numbers.md", import.meta.url);

/**
 * The document with the text between `<!-- bench:name -->` and `<!-- /bench:name -->` replaced.
 *
 * @throws {Error} If it has no such place.
 */
export function replaceSection(document: string, name: string, text: string): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Cannot write "${name}": docs/numbers.md has no place for it`);
  return `${document.slice(0, from + begin.length)}\n\n${text}\n\n${document.slice(to)}`;
}

/** Writes what a run printed into docs/numbers.md. */
export async function writeNumbers(name: string, text: string): Promise<void> {
  await writeFile(NUMBERS, replaceSection(await readFile(NUMBERS, "utf8"), name, text));
}
