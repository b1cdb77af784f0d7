import { readFile } from "node:fs/promises";
import type { Kit } from "../../copy/kit.ts";
import { readHeader } from "./header.ts";

const BEGIN = "<!-- files of the kit: written by node scripts/checks/copyable.ts --write -->\n";
const END = "<!-- end of the files of the kit -->";

/** The files of the kit as a Markdown table, from their headers. */
export async function tableOf(kit: Kit): Promise<string> {
  const rows = ["| file | what it does | needs | lines | place | doesn't |", "|---|---|---|--:|---|---|"];
  for (const { name, source } of kit.files) {
    const text = await readFile(source, "utf8");
    const header = readHeader(text);
    if (typeof header === "string") throw new Error(`${name}.ts ${header}`);
    const { Does, With, Place, "Doesn't": not } = header;
    const link = `[${name}](${linkTo(source)})`;
    const needs = With === "-" ? "" : With.replaceAll(".ts", "");
    const cells = [link, first(Does), needs, String(text.split("\n").length - 1), first(Place), first(not)];
    rows.push(`| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
  }
  return `${rows.join("\n")}\n`;
}

/** The document with the table between its marks. @throws {Error} If it has no marks. */
export function withTable(document: string, table: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`There is no place for the table: wanted are ${BEGIN} and ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n${table}\n${document.slice(end)}`;
}

/** The first sentence: the rest is for those who open the file. */
function first(text: string): string {
  return text.replace(/(?:\. [A-Z].*|\.)$/, "");
}

function linkTo(source: string): string {
  return source.slice(source.lastIndexOf("/packages/") + 1);
}
