// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { MedianDuration, slownessOf } from "./slowness.ts";

describe("MedianDuration", () => {
  test("follows a change within some twenty calls, both ways", () => {
    const median = new MedianDuration();
    for (let i = 0; i < 5; i++) median.add(5);
    for (let i = 0; i < 21; i++) median.add(500);
    expect(median.ms).toBeGreaterThan(400);
    for (let i = 0; i < 21; i++) median.add(5);
    expect(median.ms).toBeLessThan(10);
  });

  test("does not care for a stream now and then", () => {
    const median = new MedianDuration();
    expect(median.ms).toBeUndefined();
    for (let i = 0; i < 200; i++) median.add(i % 4 === 0 ? 60_000 : 20);
    expect(median.ms).toBeLessThan(60);
  });
});

describe("slownessOf()", () => {
  test.each([
    [
      [5, 500],
      [1, 20],
    ],
    [
      [20, 120, 20],
      [1, 6, 1],
    ],
    [
      [20, 59, 20],
      [1, 1, 1],
    ],
    [
      [500, 500],
      [1, 1],
    ],
    [[100], [1]],
    [
      [100, undefined],
      [1, 1],
    ],
    [[], []],
  ])("of %j is %j", (medians, expected) => {
    expect(slownessOf(medians)).toEqual(expected);
  });
});
