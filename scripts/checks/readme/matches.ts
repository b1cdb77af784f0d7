/** Whether a command printed what the document says: `…` stands for any text, on a line of its own for any lines. */
export function matches(expected: readonly string[], printed: string): boolean {
  if (expected.length === 0) return true;
  const pattern = expected
    .map((line) => (line.trim() === "…" ? "(?:.*\\n)*?" : `${line.trimEnd().split("…").map(escape).join(".*")} *\\n`))
    .join("");
  return new RegExp(`^${pattern}$`).test(`${printed.trimEnd()}\n`);
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
