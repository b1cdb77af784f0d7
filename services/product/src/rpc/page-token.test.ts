import { describe, expect, test } from "vitest";
import { readPageToken, writePageToken } from "./page-token.ts";

const filter = { nameContains: "heart", inStockOnly: true };
const encode = (content: unknown) => Buffer.from(JSON.stringify(content)).toString("base64url");

describe("readPageToken()", () => {
  test("gives back what was written, and the start for an empty token", () => {
    expect(readPageToken(writePageToken("prod_1", filter), filter)).toBe("prod_1");
    expect(readPageToken("", filter)).toBe("");
  });

  test.each([
    ["another name", { ...filter, nameContains: "Heart" }],
    ["another stock rule", { ...filter, inStockOnly: false }],
  ])("refuses a token of a filter with %s", (_, other) => {
    expect(() => readPageToken(writePageToken("prod_1", other), filter)).toThrow(
      expect.objectContaining({
        reason: "INVALID_PAGE_TOKEN",
        violations: [expect.objectContaining({ field: "page_token" })],
      }),
    );
  });

  test.each([
    ["no base64", "§§§"],
    ["no JSON", Buffer.from("{").toString("base64url")],
    ["null", encode(null)],
    ["a list", encode([])],
    ["no place", encode({ filter: "x" })],
    ["a place that is no id", encode({ after: "' or 1=1", filter: "x" })],
    ["a place that is a number", encode({ after: 1, filter: "x" })],
  ])("refuses %s", (_, token) => {
    expect(() => readPageToken(token, filter)).toThrow(expect.objectContaining({ reason: "INVALID_PAGE_TOKEN" }));
  });
});
