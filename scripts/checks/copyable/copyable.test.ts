import { describe, expect, test } from "vitest";
import { folderOf, GOOD_KIT, headerOf } from "../../copy/kit.fixture.ts";
import { readKit } from "../../copy/kit.ts";
import { checkKit } from "./check-kit.ts";
import { namedWith, readHeader } from "./header.ts";
import { tableOf, withTable } from "./table.ts";

const passing = (name: string) => `import { expect, test } from "vitest";
import * as all from "./${name}.ts";

test("it is there", () => expect(all).toBeDefined());
`;

/** File by file what is wrong, and what has to be said of it. */
const FAULTY: Readonly<Record<string, { text: string; test?: string; says: string }>> = {
  "client/no-header.ts": { text: "export {};\n", says: "does not begin with the SPDX line" },
  "client/moved.ts": {
    text: `${headerOf("client/elsewhere.ts")}export {};\n`,
    says: 'says "Copy: client/elsewhere.ts"',
  },
  "client/silent.ts": {
    text: `${headerOf("client/silent.ts")}export { now } from "../now.ts";\n`,
    says: 'says "With: -", and imports now.ts',
  },
  "client/boasting.ts": {
    text: `${headerOf("client/boasting.ts", "now.ts")}export {};\n`,
    says: 'says "With: now.ts", and imports none',
  },
  "client/entangled.ts": {
    text: `${headerOf("client/entangled.ts", "client/twice.ts")}export { twice } from "./twice.ts";\n`,
    says: "imports client/twice.ts: only files beside",
  },
  "client/entangled-test.ts": {
    text: `${headerOf("client/entangled-test.ts")}export {};\n`,
    test: 'import "./twice.ts";\n',
    says: "reaches client/twice.ts through its test",
  },
  "client/at-home.ts": {
    text: `${headerOf("client/at-home.ts")}export { connect } from "@holdfast/rpc";\n`,
    says: "imports @holdfast/rpc",
  },
  "client/test-at-home.ts": {
    text: `${headerOf("client/test-at-home.ts")}export {};\n`,
    test: 'import "@holdfast/testkit";\n',
    says: "imports @holdfast/testkit in its test",
  },
  "client/lost.ts": {
    text: `${headerOf("client/lost.ts", "../nowhere.ts")}export * from "../nowhere.ts";\n`,
    says: "imports ../nowhere.ts, which does not exist",
  },
  "shared.ts": { text: "export {};\n", test: "", says: "does not begin with the SPDX line" },
  "server/untested.ts": { text: `${headerOf("server/untested.ts")}export {};\n`, test: "", says: "has no test" },
  "server/mistyped.ts": {
    text: `${headerOf("server/mistyped.ts")}export const one: string = 1;\n`,
    says: "does not type-check alone",
  },
  "server/throwing.ts": {
    text: `${headerOf("server/throwing.ts")}if (process.argv.length === 1) throw new Error("not here");\nexport {};\n`,
    says: "cannot be imported alone",
  },
  "server/failing.ts": {
    text: `${headerOf("server/failing.ts")}export {};\n`,
    test: 'import { expect, test } from "vitest";\n\ntest("one is two", () => expect(1).toBe(2));\n',
    says: 'alone, the test "one is two" is failed',
  },
  "server/skipping.ts": {
    text: `${headerOf("server/skipping.ts")}export {};\n`,
    test: 'import { test } from "vitest";\n\ntest.skip("later", () => undefined);\n',
    says: 'alone, the test "later" is skipped',
  },
  "server/empty.ts": {
    text: `${headerOf("server/empty.ts")}export {};\n`,
    test: "export {};\n",
    says: "runs no test alone",
  },
};

describe("checkKit()", () => {
  test("finds nothing in a good kit", { timeout: 60_000 }, async () => {
    await using folder = await folderOf(GOOD_KIT);
    expect(await checkKit(await readKit(folder.path))).toEqual([]);
  });

  test("finds every seeded fault, and no other", { timeout: 60_000 }, async () => {
    const files: Record<string, string> = { ...GOOD_KIT };
    for (const [path, { text, test: own }] of Object.entries(FAULTY)) {
      files[path] = text;
      const name = path.replace(/.*\//, "").replace(".ts", "");
      if (own !== "") files[path.replace(".ts", ".test.ts")] = own ?? passing(name);
    }
    await using folder = await folderOf(files);
    const found = await checkKit(await readKit(folder.path));
    const says = Object.entries(FAULTY).map(([file, { says }]) => ({ file, message: expect.stringContaining(says) }));
    for (const fault of says) expect(found).toContainEqual(fault);
    expect(new Set(found.map(({ file }) => file))).toEqual(new Set(Object.keys(FAULTY)));
  });
});

describe("readHeader()", () => {
  test("joins what goes over several lines", () => {
    expect(readHeader(headerOf("client/x.ts"))).toMatchObject({ Does: "one thing, which takes two lines to say." });
  });

  test.each([
    ["a line too few", headerOf("x.ts").replace(/ \* Place.*\n/, ""), "has the header lines Copy, Does"],
    ["lines in another order", headerOf("x.ts").replace("Place: ", "Source:"), "has the header lines Copy, Source"],
    ["an empty line", headerOf("x.ts").replace("anywhere.", ""), 'nothing after "Place:"'],
    ["another column", headerOf("x.ts").replace("Place:   ", "Place: "), "in another form"],
    ["a line that goes on too far left", headerOf("x.ts").replace("         two", " two"), "in another form"],
    ["another licence", headerOf("x.ts").replace("MIT", "ISC"), "does not begin"],
  ])("refuses %s", (_, text, message) => {
    expect(readHeader(text)).toContain(message);
  });

  test("reads what a file needs", () => {
    const header = readHeader(headerOf("x.ts", "context.ts, status.ts"));
    expect(typeof header === "string" ? [] : namedWith(header)).toEqual(["context.ts", "status.ts"]);
  });
});

describe("tableOf()", () => {
  test("has one row a file, from its header", async () => {
    await using folder = await folderOf(GOOD_KIT);
    const table = await tableOf(await readKit(folder.path));
    const row = /^\| \[client\/twice\]\(.*\/client\/twice\.ts\) \| one thing, .* say \| now \| 13 \| anywhere \| do/m;
    expect(table).toMatch(row);
    expect(table.trim().split("\n")).toHaveLength(4);
  });

  test("goes between its marks, and needs them", () => {
    const marks = withTable(
      "a\n<!-- files of the kit: written by node scripts/checks/copyable.ts --write -->\nold\n<!-- end of the files of the kit -->\nb",
      "new\n",
    );
    expect(marks).toMatch(/^a\n<!--.*-->\n\nnew\n\n<!--.*-->\nb$/);
    expect(withTable(marks, "new\n")).toBe(marks);
    expect(() => withTable("a", "new")).toThrow("no place for the table");
  });
});
