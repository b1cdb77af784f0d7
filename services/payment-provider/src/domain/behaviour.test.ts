import { describe, expect, test } from "vitest";
import { afterUse } from "./behaviour.ts";

describe("afterUse()", () => {
  test("counts down, then behaves well again", () => {
    const twice = { mode: "slow", timesLeft: 2, honoursKeys: false } as const;
    expect(afterUse(twice)).toEqual({ mode: "slow", timesLeft: 1, honoursKeys: false });
    expect(afterUse(afterUse(twice))).toEqual({ mode: "ok", timesLeft: undefined, honoursKeys: false });
  });

  test("leaves a mode without a count as it is", () => {
    const always = { mode: "slow", timesLeft: undefined, honoursKeys: true } as const;
    expect(afterUse(always)).toEqual(always);
  });
});
