import { expect, test } from "vitest";
import { median, range } from "./statistics.ts";

test.each([
  [[3], 3],
  [[5, 1, 3], 3],
  [[1, 10, 2, 4], 3],
  [[], Number.NaN],
])("the median of %j is %d", (values, expected) => {
  expect(median(values)).toBe(expected);
});

test("the range is from the lowest to the highest", () => {
  expect(range([3, 1, 2])).toEqual([1, 3]);
});
