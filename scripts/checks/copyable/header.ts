const FIELDS = ["Copy", "Place", "Does", "Doesn't", "With", "Source"] as const;
const BLOCK = /^\/\/ SPDX-License-Identifier: MIT\n\/\*\*\n(?<lines>(?: \*[^\n]*\n)*?) \*\/\n/;
/** Texts begin in one column: a field's name and what fills it up take nine characters. */
const COLUMN = 9;

/** What a file of the kit says of itself. */
export type Header = Readonly<Record<(typeof FIELDS)[number], string>>;

/** Reads the header of a file. @returns What is wrong with it, when something is. */
export function readHeader(text: string): Header | string {
  const lines = BLOCK.exec(text)?.groups?.["lines"]?.split("\n").slice(0, -1);
  if (lines === undefined) return "does not begin with the SPDX line and a doc block";
  const fields = new Map<string, string>();
  let current = "";
  for (const line of lines) {
    const name = line.slice(3, 3 + COLUMN);
    const text = line.slice(3 + COLUMN);
    if (!line.startsWith(" * ") || text.trim() !== text) return `has a header line in another form: "${line}"`;
    if (name.trim() !== "") {
      current = name.trimEnd().replace(/:$/, "");
      if (name !== `${current}:`.padEnd(COLUMN)) return `has a header line in another form: "${line}"`;
    }
    fields.set(current, [fields.get(current), text].filter(Boolean).join(" "));
  }
  const found = [...fields.keys()].join(", ");
  if (found !== FIELDS.join(", ")) return `has the header lines ${found}; wanted are ${FIELDS.join(", ")}`;
  const empty = FIELDS.find((field) => fields.get(field) === "");
  if (empty !== undefined) return `says nothing after "${empty}:"`;
  return Object.fromEntries(fields) as Header;
}

/** The files that `With:` names. */
export function namedWith({ With }: Header): string[] {
  return With === "-" ? [] : With.split(", ");
}
