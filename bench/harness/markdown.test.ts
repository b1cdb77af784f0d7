import { expect, test } from "vitest";
import { figure } from "./markdown.ts";

test.each([
  [12_345.6, "12,346"],
  [123.4, "123"],
  [12.34, "12.3"],
  [1.234, "1.23"],
  [0.0456, "0.046"],
  [0, "0"],
  [Number.NaN, "–"],
])("%d is written %s", (value, expected) => {
  expect(figure(value)).toBe(expected);
});
