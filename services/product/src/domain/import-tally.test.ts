import { describe, expect, test } from "vitest";
import { ImportCounter } from "./import-tally.ts";

describe("ImportCounter", () => {
  test("tells the first 100 errors with their row numbers, and counts all", () => {
    const counter = new ImportCounter();
    for (let row = 1; row <= 301; row++) {
      counter.receive();
      if (row % 2 === 0) counter.reject(`SKU-${row}`, { kind: "fault", field: "stock", description: "must be less" });
    }
    counter.store({ rows: 151, created: 51 });
    expect(counter).toMatchObject({ received: 301, created: 51, updated: 100, rejected: 150 });
    expect(counter.errors).toHaveLength(100);
    expect(counter.errors[0]).toEqual({ rowNumber: 2, sku: "SKU-2", field: "stock", description: "must be less" });
    expect(counter.errors.at(-1)?.rowNumber).toBe(200);
  });

  test("cuts a sku to 64 characters without breaking one", () => {
    const counter = new ImportCounter();
    counter.receive();
    counter.reject("😀".repeat(70), { kind: "fault", field: "sku", description: "must be shorter" });
    expect(counter.errors[0]?.sku).toBe("😀".repeat(64));
  });
});
