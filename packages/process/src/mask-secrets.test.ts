import { describe, expect, test } from "vitest";
import { maskSecrets } from "./mask-secrets.ts";

describe("maskSecrets()", () => {
  test.each([
    ["postgres://order:geheim@127.0.0.1:5432/order", "postgres://order:***@127.0.0.1:5432/order"],
    ["postgres://order:p@ss/w@db/order", "postgres://order:***@db/order"],
    ["redis://:geheim@cache", "redis://:***@cache"],
    ["postgres://db/order?user=a&password=b&x=1", "postgres://db/order?user=a&password=***&x=1"],
    ["http://127.0.0.1:50059", "http://127.0.0.1:50059"],
  ])("prints %s as %s", (text, printed) => {
    expect(maskSecrets(text)).toBe(printed);
  });

  test("hides what a secret's name holds, at any depth", () => {
    expect(maskSecrets({ DB_PASSWORD: "a", SIGNING_SECRET: "b", nested: [{ token: "c" }], LISTEN: "d" })).toEqual({
      DB_PASSWORD: "***",
      SIGNING_SECRET: "***",
      nested: [{ token: "***" }],
      LISTEN: "d",
    });
  });

  test("shows that a secret is empty or missing", () => {
    expect(maskSecrets({ A_SECRET: "", B_SECRET: undefined })).toEqual({ A_SECRET: "", B_SECRET: undefined });
  });

  test("writes a bigint as digits", () => {
    expect(maskSecrets({ minorUnits: 9_007_199_254_740_993n })).toEqual({ minorUnits: "9007199254740993" });
  });

  test("ends on an object that contains itself", () => {
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    expect(JSON.stringify(maskSecrets(loop))).toContain("[too deep]");
  });
});
