import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { capturePostings, type Posting, refundPostings } from "./ledger.ts";

const money = fc.record({
  currencyCode: fc.constantFrom("GBP", "JPY"),
  minorUnits: fc.bigInt({ min: 1n, max: 10n ** 13n }),
});
const sum = (postings: readonly Posting[]) => postings.reduce((total, { amount }) => total + amount, 0n);
const of = (account: string) => (postings: readonly Posting[]) =>
  sum(postings.filter((line) => line.account === account));

describe("capturePostings()", () => {
  test("moves the amount from customer to merchant; each leg, and clearing, adds up to 0", () => {
    fc.assert(
      fc.property(money, (amount) => {
        const postings = capturePostings(amount);
        for (const leg of [1, 2]) expect(sum(postings.filter((line) => line.leg === leg))).toBe(0n);
        expect(of("clearing")(postings)).toBe(0n);
        expect(of("customer")(postings)).toBe(-amount.minorUnits);
        expect(of("merchant")(postings)).toBe(amount.minorUnits);
        expect(postings.every(({ currencyCode }) => currencyCode === amount.currencyCode)).toBe(true);
      }),
    );
  });
});

describe("refundPostings()", () => {
  test("takes back what a capture of the same amount did, account by account", () => {
    fc.assert(
      fc.property(money, (amount) => {
        const both = [...capturePostings(amount), ...refundPostings(amount)];
        for (const account of ["customer", "clearing", "merchant"]) expect(of(account)(both)).toBe(0n);
      }),
    );
  });
});
