import { describe, expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

describe("backoffMs()", () => {
  test.each([
    [1, 0, 100],
    [1, 0.5, 150],
    [2, 0, 200],
    [4, 0.999, 1_599],
    [5, 0, 1_500],
    [50, 0.999, 2_999],
    [5_000, 0, 1_500],
  ])("waits, after attempt %s with chance %s, %s ms", (attempts, random, ms) => {
    expect(backoffMs(attempts, random)).toBe(ms);
  });
});
