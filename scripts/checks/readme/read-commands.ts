/** A command of a document, with what it says that the command prints. */
export interface Command {
  /** 1 is the first line of the document. */
  line: number;
  /** The heading that it stands under. */
  section: string;
  text: string;
  /** Lines as they stand; `…` stands for any text, on a line of its own for any lines. */
  output: string[];
}

/** Reads the commands of all ```console blocks: lines after `$ `, with `\` at the end going on in the next one. */
export function readCommands(markdown: string): Command[] {
  const commands: Command[] = [];
  let section = "";
  let inBlock = false;
  let continued = false;
  for (const [index, line] of markdown.split("\n").entries()) {
    const current = commands.at(-1);
    if (!inBlock && /^##? /.test(line)) {
      section = line.replace(/^#+ /, "");
    } else if (line.startsWith("```")) {
      inBlock = line.trim() === "```console";
    } else if (inBlock && line.startsWith("$ ")) {
      commands.push({ line: index + 1, section, text: line.slice(2), output: [] });
      continued = line.endsWith("\\");
    } else if (inBlock && continued && current !== undefined) {
      current.text += `\n${line}`;
      continued = line.endsWith("\\");
    } else if (inBlock && current !== undefined) {
      current.output.push(line);
    }
  }
  return commands;
}
