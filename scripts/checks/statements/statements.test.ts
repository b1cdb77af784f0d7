import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { faultsOf, listOf } from "./list.ts";
import { type Report, shownBy, shownElsewhere } from "./shown.ts";
import { idsOf, readStatements } from "./statement.ts";

const root = join(import.meta.dirname, "../../..");
const statements = [
  { id: "D1", page: "interceptors.md", heading: "Deadline" },
  { id: "R9", page: "interceptors.md", heading: "Retry and more" },
];

/** A report of one file with these tests: title and status. */
function reportOf(tests: readonly (readonly [title: string, status: string])[], group: readonly string[] = []): Report {
  const assertionResults = tests.map(([title, status]) => ({ title, status, ancestorTitles: group }));
  return { testResults: [{ name: "/project/packages/a/retry.test.ts", assertionResults }] };
}

const shownIn = (report: Report) => shownBy(report, "/project");

describe("readStatements()", () => {
  test.each([
    ["interceptors.md", { D: 9, R: 18, H: 5, B: 10, C: 4, L: 7, K: 10, E: 7, T: 6 }],
    ["discovery.md", { S: 9 }],
  ])("reads every family of docs/%s without a gap", (page, sizes) => {
    const ids = readStatements(readFileSync(join(root, "docs", page), "utf8"), page).map(({ id }) => id);
    const wanted = Object.entries(sizes).flatMap(([letter, size]) =>
      Array.from({ length: size }, (_, index) => `${letter}${index + 1}`),
    );
    expect(ids).toEqual(wanted);
  });

  test("refuses a number that is there twice, and a document without any", () => {
    expect(() => readStatements("- **D1** a\n- **D1** b", "a.md")).toThrow("D1 is there twice");
    expect(() => readStatements("D1 a", "a.md")).toThrow("no numbered lines");
  });
});

test.each([
  ["R9: stops", ["R9"]],
  ["R9, R10: stops", ["R9", "R10"]],
  ["R9/R10: stops", ["R9", "R10"]],
  ["R9 and R10: stops", ["R9", "R10"]],
  ["stops, as R9: says", []],
  ["R9 stops", []],
])("idsOf(%j) is %j", (title, ids) => {
  expect(idsOf(title)).toEqual(ids);
});

describe("faultsOf()", () => {
  test("is content when every promise has a passing test", () => {
    const shown = shownIn(
      reportOf([
        ["D1: a", "passed"],
        ["R9: b", "passed"],
      ]),
    );
    expect(faultsOf(statements, shown)).toEqual([]);
  });

  test("takes the number of a group for all tests in it", () => {
    expect(faultsOf(statements, shownIn(reportOf([["b", "passed"]], ["retry()", "D1, R9: both"])))).toEqual([]);
  });

  test("misses a promise that no test names", () => {
    expect(faultsOf(statements, shownIn(reportOf([["D1: a", "passed"]])))).toEqual(["R9 has no test that passes"]);
  });

  test.each(["failed", "skipped", "pending", "todo"])("does not take a %s test for one that shows it", (status) => {
    const tests = [
      ["D1: a", "passed"],
      ["R9: b", status],
    ] as const;
    expect(faultsOf(statements, shownIn(reportOf(tests)))).toContain("R9 has no test that passes");
  });

  test("finds a failing test beside a passing one", () => {
    const tests = [
      ["D1: a", "passed"],
      ["R9: b", "passed"],
      ["R9: c", "failed"],
    ] as const;
    expect(faultsOf(statements, shownIn(reportOf(tests)))).toEqual([
      "R9 is named by a test that does not pass: packages/a/retry.test.ts: c",
    ]);
  });

  test("finds a test of a promise that nobody has made, and leaves other letters alone", () => {
    const tests = [
      ["D1: a", "passed"],
      ["R9: b", "passed"],
      ["R99: c", "passed"],
      ["A6: d", "passed"],
    ] as const;
    expect(faultsOf(statements, shownIn(reportOf(tests)))).toEqual([
      "R99 is named by a test, and is not a promise: packages/a/retry.test.ts: c",
    ]);
  });

  test("counts a test that another step of CI runs", () => {
    const elsewhere = shownElsewhere("e2e/long/overload.e2e.ts", 'test("R9: holds", { timeout: 1 }, async () => {');
    expect(faultsOf(statements, [...shownIn(reportOf([["D1: a", "passed"]])), ...elsewhere])).toEqual([]);
  });
});

describe("listOf()", () => {
  const tests = [
    ["D1: b | c", "passed"],
    ["D1: a", "passed"],
    ["R9: d", "passed"],
  ] as const;

  test("has a row for each promise and file, with what the tests are called", () => {
    const list = listOf(statements, shownIn(reportOf(tests)));
    expect(list).toContain(
      "| [D1](interceptors.md#deadline) | [a/retry.test.ts](../packages/a/retry.test.ts): a; b \\| c | passed |\n" +
        "| [R9](interceptors.md#retry-and-more) | [a/retry.test.ts](../packages/a/retry.test.ts): d | passed |\n",
    );
  });

  test("is the same in whatever order the tests ran", () => {
    expect(listOf(statements, shownIn(reportOf(tests.toReversed())))).toBe(
      listOf(statements, shownIn(reportOf(tests))),
    );
  });

  test("says what is missing, what failed, and which step of CI runs what the unit run does not", () => {
    const elsewhere = shownElsewhere("e2e/long/overload.e2e.ts", 'test("R9: holds", () => {');
    expect(listOf(statements, elsewhere)).toMatch(
      /\[D1\].*\| none \| missing \|\n.*\[R9\].* \| by `npm test -- long` \|/,
    );
    expect(listOf(statements, shownIn(reportOf([["D1: a", "failed"]])))).toContain("| 1 failed |");
  });
});
