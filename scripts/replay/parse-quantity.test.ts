import { describe, expect, test } from "vitest";
import { parseQuantity } from "./parse-quantity.ts";

describe("parseQuantity()", () => {
  test.each([
    ["6", 6],
    ["+5", 5],
    ["-12", -12],
    ["0", 0],
    ["999999999999999", 999_999_999_999_999],
  ])("reads %j", (text, units) => expect(parseQuantity(text)).toBe(units));

  test.each(["", "+", "0.5", "1e3", " 1", "--1", "1234567890123456"])("does not take %j for a quantity", (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });
});
