import { describe, expect, test } from "vitest";
import { matches } from "./matches.ts";

describe("matches()", () => {
  test.each([
    ["the same text", ["one", "two"], "one\ntwo\n", true],
    ["a gap in a line", ['"id": "ord_…",'], '"id": "ord_0199",', true],
    ["a gap of lines", ["{", "…", "}"], "{\n a\n b\n}\n", true],
    ["a gap of no lines", ["{", "…", "}"], "{\n}\n", true],
    ["anything, where nothing is said", [], "whatever", true],
    ["another text", ["one"], "two", false],
    ["a line too few", ["one", "two"], "one", false],
    ["a line too many", ["one"], "one\ntwo", false],
    ["characters that mean something in a pattern", ["a.b"], "axb", false],
  ])("compares %s", (_, expected, printed, same) => {
    expect(matches(expected, printed)).toBe(same);
  });
});
