import { describe, expect, test } from "vitest";
import { parseFaults } from "./parse-faults.ts";

describe("parseFaults", () => {
  test.each(["", " ", "[]"])("asks for none by %o", (text) => {
    expect(parseFaults(text)).toMatchObject({ allowed: false, faults: [] });
  });

  test("takes a list of faults", () => {
    const faults = [
      { share: 0.5, methods: ["/a.B/C", "/a.D/"], delayMs: 100, end: { code: 14, text: "Gone" } },
      { share: 1, end: "drop" },
    ];
    expect(parseFaults(JSON.stringify(faults))).toMatchObject({ allowed: true, faults });
  });

  test.each([
    ["x", "no JSON"],
    ["{}", "no list"],
    ["[null]", "[0] is no object"],
    ["[1]", "[0] is no object"],
    ["[[]]", "[0] is no object"],
    ['[{"end":"drop"}]', "must have a share"],
    ['[{"share":null,"end":"drop"}]', "must have a share"],
    ['[{"share":1,"delay":100}]', '"delay"'],
    ['[{"share":1,"delayMs":"1e3"}]', "delayMs"],
    ['[{"share":1,"methods":"/a.B/C","end":"drop"}]', "methods"],
    ['[{"share":1,"methods":[],"end":"drop"}]', "methods"],
    ['[{"share":1,"methods":[5],"end":"drop"}]', "methods"],
    ['[{"share":1,"method":["/a.B/C"],"end":"drop"}]', '"method"'],
    ['[{"share":1,"end":"abort"}]', "neither"],
    ['[{"share":1,"end":null}]', "neither"],
    ['[{"share":1,"end":{"code":"UNAVAILABLE"}}]', "code"],
    ['[{"share":1,"end":{"code":14,"text":5}}]', "text"],
    ['[{"share":1,"end":{"code":14,"txt":"x"}}]', '"txt"'],
    ['[{"share":1,"end":"drop"},{"share":1,"end":7}]', "[1]"],
  ])("refuses %s", (text, problem) => {
    expect(() => parseFaults(text)).toThrow(TypeError);
    expect(() => parseFaults(text)).toThrow(problem);
  });
});
