import type { Shown } from "./shown.ts";
import type { Statement } from "./statement.ts";

const TITLES = 3;

/** The list of promises with the tests that show them, the same for the same tests in any order. */
export function listOf(statements: readonly Statement[], shown: readonly Shown[]): string {
  const rows = statements.flatMap(({ id, page, heading }) => {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^a-z ]/g, "")
      .replaceAll(" ", "-");
    const link = `[${id}](${page}#${anchor})`;
    const tests = shown.filter((each) => each.id === id);
    const files = [...new Set(tests.map(({ file }) => file))].toSorted();
    if (files.length === 0) return [`| ${link} | none | missing |`];
    return files.map((file) =>
      row(
        link,
        file,
        tests.filter((each) => each.file === file),
      ),
    );
  });
  return `# Which test shows which promise

Of the promises in [interceptors.md](interceptors.md) and [discovery.md](discovery.md). Written by \`node scripts/checks/statements.ts --write\` from a run of
\`npm test -- unit\`; \`npm test\` fails when a promise has no passing test, or when this list is not of the tests that ran.

| promise | shown by | result |
|---|---|---|
${rows.join("\n")}
`;
}

/** What is wrong: promises without a passing test, tests that fail, tests of promises that nobody has made. */
export function faultsOf(statements: readonly Statement[], shown: readonly Shown[]): string[] {
  const known = new Set(statements.map(({ id }) => id));
  const families = new Set(statements.map(({ id }) => id.slice(0, 1)));
  const unknown = shown.filter(({ id }) => !known.has(id) && families.has(id.slice(0, 1)));
  const failed = shown.filter(({ id, passed }) => known.has(id) && passed === false);
  const missing = statements.filter(({ id }) => !shown.some((each) => each.id === id && each.passed !== false));
  return [
    ...missing.map(({ id }) => `${id} has no test that passes`),
    ...failed.map(({ id, file, title }) => `${id} is named by a test that does not pass: ${file}: ${title}`),
    ...unknown.map(({ id, file, title }) => `${id} is named by a test, and is not a promise: ${file}: ${title}`),
  ].toSorted();
}

function row(link: string, file: string, tests: readonly Shown[]): string {
  const titles = [...new Set(tests.map(({ title }) => title.replaceAll("|", "\\|")))].toSorted();
  const more = titles.length > TITLES ? `; and ${titles.length - TITLES} more` : "";
  const told = `[${file.split("/").slice(-2).join("/")}](../${file}): ${titles.slice(0, TITLES).join("; ")}${more}`;
  return `| ${link} | ${told} | ${resultOf(file, tests)} |`;
}

function resultOf(file: string, tests: readonly Shown[]): string {
  const failed = tests.filter(({ passed }) => passed === false).length;
  if (failed > 0) return `${failed} failed`;
  if (tests.some(({ passed }) => passed === true)) return "passed";
  const [, folder] = file.split("/");
  return `by \`npm test -- ${file.split("/").length > 2 ? folder : "e2e"}\``;
}
