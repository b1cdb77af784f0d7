import { describe, expect, test } from "vitest";
import { decodePageToken, encodePageToken } from "./page-token.ts";

const position = { createTime: new Date(1_700_000_000_123), orderId: "ord_1" };
const token = encodePageToken(position, "17850");

describe("decodePageToken()", () => {
  test("gives back what was encoded, and nothing for an empty token", () => {
    expect(decodePageToken(token, "17850")).toEqual(position);
    expect(decodePageToken("", "17850")).toBeUndefined();
  });

  test.each([
    ["another customer's", encodePageToken(position, "12583")],
    ["one of another method", Buffer.from("2 1700000000123 ord_1 17850").toString("base64url")],
    ["one cut short", token.slice(0, -2)],
    ["one with something behind", `${token}=`],
    ["any text", "hello"],
    ["a time that is none", Buffer.from("1 1e9 ord_1 17850").toString("base64url")],
    ["SQL", Buffer.from("1 1 ord_1' 17850").toString("base64url")],
  ])("refuses %s", (_name, other) => {
    expect(() => decodePageToken(other, "17850")).toThrow(expect.objectContaining({ reason: "INVALID_PAGE_TOKEN" }));
  });
});
