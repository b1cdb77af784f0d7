/** A numbered promise of a page in docs/. */
export interface Statement {
  /** Such as `R9`. */
  readonly id: string;
  /** The page, such as `interceptors.md`, and the heading that it stands under. */
  readonly page: string;
  readonly heading: string;
}

const HEADING = /^## (?<heading>.+)$/;
const LINE = /^- \*\*(?<id>[A-Z]\d+)\*\* \S/;

/** Reads the numbered lines. @throws {Error} If one is there twice, or there is none. */
export function readStatements(document: string, page: string): Statement[] {
  const statements: Statement[] = [];
  let heading = "";
  for (const line of document.split("\n")) {
    heading = HEADING.exec(line)?.groups?.["heading"] ?? heading;
    const id = LINE.exec(line)?.groups?.["id"];
    if (id === undefined) continue;
    if (statements.some((each) => each.id === id)) throw new Error(`${id} is there twice`);
    statements.push({ id, page, heading });
  }
  if (statements.length === 0) throw new Error("There are no numbered lines");
  return statements;
}

/** The numbers that a title begins with: `R9: …`, `R9, R10: …`. */
export function idsOf(title: string): string[] {
  const [, ids] = /^([A-Z]\d+(?:(?:, | and |\/)[A-Z]\d+)*): /.exec(title) ?? [];
  return ids?.split(/, | and |\//) ?? [];
}
