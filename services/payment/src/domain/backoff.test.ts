import { describe, expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

describe("backoffMs()", () => {
  test.each([
    [1, 100, 200],
    [2, 200, 400],
    [3, 400, 800],
    [6, 2_500, 5_000],
    [1_000, 2_500, 5_000],
  ])("waits after attempt %i from %i to %i ms", (attempts, least, most) => {
    expect(backoffMs(attempts, () => 0)).toBe(least);
    expect(backoffMs(attempts, () => 1)).toBe(most);
  });
});
