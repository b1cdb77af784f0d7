import { assert, bigInt, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { formatPence, MICROS_PER_PENNY, parsePrice } from "./parse-price.ts";

describe("parsePrice()", () => {
  test.each([
    ["2.55", 2_550_000n],
    ["0.001", 1_000n],
    ["0.0", 0n],
    ["3.", 3_000_000n],
    ["-11062.06", -11_062_060_000n],
    ["4.9500000000", 4_950_000n],
  ])("reads %s exactly", (text, micros) => expect(parsePrice(text)).toBe(micros));

  test.each(["", "abc", "1e3", "1,000.00", "£2", ".5", "0.0000001", "NaN", "--1"])("does not read %j", (text) => {
    expect(parsePrice(text)).toBeUndefined();
  });
});

describe("formatPence()", () => {
  test("writes what parsePrice() reads", () => {
    const pence = bigInt({ min: -(10n ** 12n), max: 10n ** 12n });
    assert(property(pence, (amount) => parsePrice(formatPence(amount)) === amount * MICROS_PER_PENNY));
  });
});
