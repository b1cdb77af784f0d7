import { expect, test } from "vitest";
import { replaceSection } from "./numbers.ts";

const DOCUMENT = "# Numbers\n\n<!-- bench:unary -->\n\nold\n\n<!-- /bench:unary -->\n\nmore\n";

test("replaces what stands between the marks and nothing else", () => {
  const once = replaceSection(DOCUMENT, "unary", "new");
  expect(once).toBe(DOCUMENT.replace("old", "new"));
  expect(replaceSection(once, "unary", "new")).toBe(once);
});

test("refuses a document without the marks", () => {
  expect(() => replaceSection(DOCUMENT, "streaming", "new")).toThrow('Cannot write "streaming"');
});
