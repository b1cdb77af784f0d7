import { describe, expect, test } from "vitest";
import { InputError } from "../audit/input-error.ts";
import { assertInvoicesOnce } from "./assert-invoices-once.ts";

const aDay = (path: string, ...names: string[]) => ({ path, orders: names.map((name) => ({ name })) });

describe("assertInvoicesOnce()", () => {
  test("is content with days that have nothing in common", () => {
    expect(() => assertInvoicesOnce([aDay("a.csv", "1", "C1"), aDay("b.csv", "2")])).not.toThrow();
  });

  test.each([
    ["the same file twice", [aDay("a.csv", "1"), aDay("a.csv", "1")]],
    ["one invoice in two files", [aDay("a.csv", "1", "2"), aDay("b.csv", "3", "2")]],
  ])("refuses %s", (_, days) => expect(() => assertInvoicesOnce(days)).toThrow(InputError));
});
