import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { catalogueOf } from "./catalogue-of.ts";
import { readDay } from "./read-day.ts";
import { readRows } from "./read-rows.ts";

const shipped = (name: string) => join(import.meta.dirname, "..", "..", "data", "online-retail", name);
const sum = (numbers: readonly bigint[]) => numbers.reduce((total, n) => total + n, 0n);

/** Counted from the files by a program in another language, with decimal arithmetic. */
const FIGURES = [
  {
    name: "2010-12-01.csv",
    rows: 3_108,
    leftOut: 19,
    invoices: 143,
    invoicesLeftOut: 11,
    orders: 132,
    returns: 5,
    salesPence: 5_762_633n,
    returnsPence: 29_773n,
    leftOutMicros: 1_306_960_000n,
    fileMicros: 58_635_560_000n,
    products: 1_878,
    units: 27_091,
    longest: 591,
  },
  {
    name: "2010-12-06.csv",
    rows: 3_878,
    leftOut: 25,
    invoices: 133,
    invoicesLeftOut: 13,
    orders: 120,
    returns: 18,
    salesPence: 5_187_343n,
    returnsPence: 96_587n,
    leftOutMicros: 2_952_620_000n,
    fileMicros: 53_860_180_000n,
    products: 2_077,
    units: 22_066,
    longest: 674,
  },
];

describe("readDay()", () => {
  test.each(FIGURES)("finds in $name what is in it", async (figures) => {
    const day = await readDay(shipped(figures.name));
    const catalogue = await catalogueOf(readRows(shipped(figures.name)));
    const [returns, sales] = [day.orders.filter((o) => o.isReturn), day.orders.filter((o) => !o.isReturn)];
    expect({
      name: figures.name,
      rows: day.rowCount,
      leftOut: day.leftOut.length,
      invoices: day.invoiceCount,
      invoicesLeftOut: day.invoicesLeftOut.length,
      orders: day.orders.length,
      returns: returns.length,
      salesPence: sum(sales.map((order) => order.totalPence)),
      returnsPence: sum(returns.map((order) => order.totalPence)),
      leftOutMicros: day.leftOutMicros,
      fileMicros: day.fileMicros,
      products: catalogue.length,
      units: catalogue.reduce((units, { stock }) => units + stock, 0),
      longest: Math.max(...day.orders.map(({ items }) => items.length)),
    }).toEqual(figures);
  });

  test("adds up what the left out rows are worth, parts of a penny and all", async () => {
    const day = await readDay(
      await aFile(
        "536365,71053,LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,UK",
        "536365,PADS,PADS,3,2010-12-01 08:26:00,0.001,17850.0,UK",
        "A563185,B,Adjust bad debt,1,2010-12-01 08:26:00,-11062.06,,UK",
        "536366,POST,POSTAGE,x,2010-12-01 08:26:00,18.00,,UK",
      ),
    );
    expect(day).toMatchObject({
      rowCount: 4,
      invoiceCount: 3,
      invoicesLeftOut: ["A563185", "536366"],
      leftOut: [{ lineNumber: 3 }, { lineNumber: 4 }, { lineNumber: 5 }],
      leftOutMicros: -11_062_057_000n,
      fileMicros: -11_041_717_000n,
    });
  });

  test("counts a quantity with a sign in the file's total as it does in the order", async () => {
    const day = await readDay(await aFile("536365,71053,LANTERN,+5,2010-12-01 08:26:00,2.55,17850.0,UK"));
    expect(day).toMatchObject({ orders: [{ totalPence: 1_275n }], fileMicros: 12_750_000n });
  });
});

/** A day of these rows. Gone after the test. */
async function aFile(...rows: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "day-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "day.csv");
  const header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
  await writeFile(path, [header, ...rows].join("\n"));
  return path;
}
