import { relative, sep } from "node:path";
import { idsOf } from "./statement.ts";

/** A test that names a promise. */
export interface Shown {
  readonly id: string;
  /** Below the project's folder, with `/`. */
  readonly file: string;
  readonly title: string;
  /** Undefined: it is not part of the unit run. */
  readonly passed: boolean | undefined;
}

/** As much as is read of the report of vitest's JSON reporter. */
export interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { title: string; ancestorTitles: readonly string[]; status: string }[];
  }[];
}

/** The tests of a run that name promises: by their own title, or by that of a group that they are in. */
export function shownBy(report: Report, root: string): Shown[] {
  return report.testResults.flatMap(({ name, assertionResults }) => {
    const file = relative(root, name).split(sep).join("/");
    return assertionResults.flatMap(({ title, ancestorTitles, status }) => {
      const ids = new Set([...ancestorTitles, title].flatMap(idsOf));
      return [...ids].map((id) => ({ id, file, title: withoutIds(title), passed: status === "passed" }));
    });
  });
}

/** The tests that name promises in a file that the unit run does not run: they take processes, or minutes. */
export function shownElsewhere(file: string, text: string): Shown[] {
  const titles = [...text.matchAll(/\b(?:test|describe)(?:\.\w+)?(?:\([^)]*\))?\(\s*["'`](?<title>[^"'`]+)["'`]/g)];
  return titles.flatMap(({ groups }) => {
    const title = groups?.["title"] ?? "";
    return idsOf(title).map((id) => ({ id, file, title: withoutIds(title), passed: undefined }));
  });
}

function withoutIds(title: string): string {
  return idsOf(title).length > 0 ? title.slice(title.indexOf(": ") + 2) : title;
}
