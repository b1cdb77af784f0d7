import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import { ProductRow } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { descriptors } from "@holdfast/contracts/descriptors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkRow, type ImportedRow } from "./check-row.ts";
import { CURRENCIES } from "./currencies.ts";

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
const schema = registry.getMessage("ecommerce.product.v1.ProductRow");
const validator = createValidator({ registry });

/** The fields that break a rule of the contract, by the contract's own evaluation. */
function contractFaults(row: ImportedRow): string[] {
  if (schema === undefined) throw new Error("The contracts have no ProductRow");
  const message = fromBinary(schema, ProductRow.encode({ ...row, price: row.price && { ...row.price } }).finish());
  const result = validator.validate(schema, message);
  if (result.kind === "error") throw result.error;
  if (result.kind === "valid") return [];
  return result.violations.map(({ field, ruleId }) =>
    ruleId === "price.range" ? "price.minor_units" : pathToString(field),
  );
}

/** Whether both find the row good, or the one finds what the other finds too. */
function agrees(row: ImportedRow): boolean {
  const checked = checkRow(row);
  const faults = contractFaults(row);
  return checked.kind === "ok" ? faults.length === 0 : faults.includes(checked.field);
}

function aRow(fields: Partial<ImportedRow> = {}): ImportedRow {
  const price = { currencyCode: "GBP", minorUnits: 255n };
  return { sku: "85123A", name: "White hanging heart", price, stock: 3, description: "", ...fields };
}

const gbp = (minorUnits: bigint) => ({ price: { currencyCode: "GBP", minorUnits } });
const inCurrency = (currencyCode: string) => ({ price: { currencyCode, minorUnits: 1n } });

describe("checkRow()", () => {
  test.each<[string, Partial<ImportedRow>, string | undefined]>([
    ["a plain row", {}, undefined],
    ["the longest sku", { sku: "a".repeat(64) }, undefined],
    ["a sku of every sign", { sku: "a._@:/-" }, undefined],
    ["no sku", { sku: "" }, "sku"],
    ["a sku too long", { sku: "a".repeat(65) }, "sku"],
    ["a sku that starts with a sign", { sku: "-a" }, "sku"],
    ["a sku with a line end", { sku: "a\n" }, "sku"],
    ["a sku with an umlaut", { sku: "ä" }, "sku"],
    ["no name", { name: "" }, "name"],
    ["200 characters outside the first plane", { name: "😀".repeat(200) }, undefined],
    ["201 characters outside the first plane", { name: "😀".repeat(201) }, "name"],
    ["201 characters", { name: "a".repeat(201) }, "name"],
    ["a name with U+0000", { name: "a\u0000" }, "name"],
    ["a name with a line end at its end", { name: "a\n" }, "name"],
    ["a name with DEL", { name: "\u007f" }, "name"],
    ["a name with U+0080", { name: "\u0080" }, undefined],
    ["a name with U+2028", { name: "\u2028" }, undefined],
    ["no price", { price: undefined }, "price"],
    ["no currency", inCurrency(""), "price.currency_code"],
    ["a currency in lower case", inCurrency("gbp"), "price.currency_code"],
    ["a currency of the past", inCurrency("DEM"), "price.currency_code"],
    ["a price of 0", gbp(0n), "price.minor_units"],
    ["the lowest price", gbp(1n), undefined],
    ["the highest price", gbp(10n ** 10n), undefined],
    ["a price too high", gbp(10n ** 10n + 1n), "price.minor_units"],
    ["a negative price", gbp(-1n), "price.minor_units"],
    ["the least int64", gbp(-(2n ** 63n)), "price.minor_units"],
    ["no stock", { stock: 0 }, undefined],
    ["negative stock", { stock: -1 }, "stock"],
    ["the most stock", { stock: 10 ** 9 }, undefined],
    ["too much stock", { stock: 10 ** 9 + 1 }, "stock"],
    ["the longest description", { description: "ß".repeat(2_000) }, undefined],
    ["a description too long", { description: "ß".repeat(2_001) }, "description"],
    ["a description with a tab", { description: "a\tb" }, "description"],
  ])("finds in %s %s: %s", (_, fields, field) => {
    const row = aRow(fields);
    const checked = checkRow(row);
    expect(checked.kind === "fault" ? checked.field : undefined).toBe(field);
    expect(agrees(row)).toBe(true);
  });

  test("knows the currencies of the contract and no others", () => {
    expect([...CURRENCIES].filter((code) => !agrees(aRow(inCurrency(code))))).toEqual([]);
    const threeLetters = fc.stringMatching(/^[A-Z]{3}$/);
    fc.assert(
      fc.property(threeLetters, (code) => agrees(aRow(inCurrency(code)))),
      { numRuns: 500 },
    );
  });

  test("agrees with the contract's rules about any row", () => {
    const text = (maxLength: number) =>
      fc.oneof(
        fc.string({ unit: "binary", maxLength }),
        fc.string({ minLength: maxLength - 2, maxLength: maxLength + 2 }),
      );
    const money = fc.record({
      currencyCode: fc.constantFrom("GBP", "EUR", "JPY", "", "XXX", "gbp"),
      minorUnits: fc.oneof(fc.bigInt({ min: -2n, max: 2n }), fc.bigInt({ min: 10n ** 10n - 2n, max: 10n ** 10n + 2n })),
    });
    const row = fc.record({
      sku: fc.oneof(fc.constant("A1"), text(64)),
      name: fc.oneof(fc.constant("Mug"), text(200)),
      price: fc.option(money, { nil: undefined, freq: 10 }),
      stock: fc.oneof(fc.integer({ min: -2, max: 2 }), fc.integer({ min: 10 ** 9 - 2, max: 10 ** 9 + 2 })),
      description: fc.oneof(fc.constant(""), text(2_000)),
    });
    expect(fc.check(fc.property(row, agrees), { numRuns: 200 }).counterexample).toBeNull();
  });
});
