import { describe, expect, test } from "vitest";
import { boundedScope } from "./bounded-scope.ts";

describe("boundedScope()", () => {
  const { signal } = new AbortController();
  const now = () => 1_000;

  test("ends after the longest time for the piece, by the clock", () => {
    expect(boundedScope({ deadline: 9_000, signal }, 500, now)).toEqual({ deadline: 1_500, signal });
  });

  test("never ends later than the call", () => {
    expect(boundedScope({ deadline: 1_200, signal }, 500, now)).toEqual({ deadline: 1_200, signal });
  });
});
