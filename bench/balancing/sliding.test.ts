import { expect, test } from "vitest";
import { countBetween, peakWithin, quantile } from "./sliding.ts";

test("countBetween() takes the beginning and leaves the end out", () => {
  expect(countBetween([1, 2, 2, 3, 5], 2, 5)).toBe(3);
  expect(countBetween([], 0, 9)).toBe(0);
});

test("peakWithin() finds the fullest window wherever it begins", () => {
  expect(peakWithin([0, 900, 1_000, 1_899, 1_900, 5_000], 1_000)).toBe(3);
  expect(peakWithin([], 1_000)).toBe(0);
});

test("quantile() is one of the values", () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2);
  expect(quantile([1, 2, 3, 4], 0.99)).toBe(4);
  expect(quantile([], 0.5)).toBeNaN();
});
