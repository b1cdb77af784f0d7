import { describe, expect, test } from "vitest";
import { faultyAnswer, questionOf } from "./dns-message.ts";

/** `A.b`, type 33 (SRV), class 1. */
const QUESTION = "014101620000210001";
/** id 0xabcd, recursion desired, the question, and an OPT record. */
const QUERY = Buffer.from(`abcd01000001000000000001${QUESTION}0000291000000000000000`, "hex");

describe("questionOf()", () => {
  test("is the name in lower case and the type", () => expect(questionOf(QUERY)).toBe("a.b 33"));
  test.each([
    ["", "nothing"],
    ["abcd0100000100", "half a header"],
    [`abcd01000000000000000000${QUESTION}`, "no question"],
    ["abcd010000010000000000013f41", "a name without an end"],
  ])("of %j (%s) there is none", (hex) => expect(questionOf(Buffer.from(hex, "hex"))).toBeUndefined());
});

describe("faultyAnswer()", () => {
  test.each([
    ["empty", "abcd85000001000000000000"],
    ["NXDOMAIN", "abcd85030001000000000000"],
    ["SERVFAIL", "abcd85020001000000000000"],
  ] as const)("%s has the question and no record", (fault, header) => {
    expect(faultyAnswer(QUERY, fault)?.toString("hex")).toBe(header + QUESTION);
  });

  test("garbage comes as a response with the right id", () => {
    const answer = faultyAnswer(QUERY, "garbage", () => 0.5);
    expect(answer?.toString("hex", 0, 4)).toBe("abcd8180");
    expect(answer).toHaveLength(203);
  });

  test("nothing is no answer", () => expect(faultyAnswer(QUERY, "nothing")).toBeUndefined());
});
