import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { InputError } from "../audit/input-error.ts";
import { type FileRow, readRows } from "./read-rows.ts";

const HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

async function aFile(content: string | Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rows-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "day.csv");
  await writeFile(path, content);
  return path;
}

const rowsOf = async (content: string | Buffer) => allRows(await aFile(content));

async function allRows(path: string, days?: string): Promise<FileRow[]> {
  const rows: FileRow[] = [];
  for await (const row of readRows(path, days)) rows.push(row);
  return rows;
}

describe("readRows()", () => {
  test("gives each row with the line it stands on", async () => {
    const rows = await rowsOf(
      `${HEADER}\n536365,71053,LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,UK\n\n536366,22633,HAND WARMER,1,2010-12-01 08:28:00,1.85,,UK\n`,
    );
    expect(rows).toMatchObject([
      { lineNumber: 2, broken: false, InvoiceNo: "536365", UnitPrice: "3.39", CustomerID: "17850.0" },
      { lineNumber: 4, broken: false, InvoiceNo: "536366", UnitPrice: "1.85", CustomerID: "" },
    ]);
  });

  test("takes CRLF, a byte order mark, quoted commas and quotes in the middle of a value", async () => {
    const rows = await rowsOf(
      `\uFEFF${HEADER}\r\n1,2,"SET OF 6, ""BIG""",6,t,1,,UK\r\n2,3,RETRO 12" PLATE ,1,t,1,,UK\r\n`,
    );
    expect(rows.map((row) => row.Description)).toEqual(['SET OF 6, "BIG"', 'RETRO 12" PLATE']);
  });

  test("takes a byte order mark before a quoted header", async () => {
    const rows = await rowsOf(`\uFEFF"InvoiceNo"${HEADER.slice("InvoiceNo".length)}\n536365,2,D,6,t,1,,UK\n`);
    expect(rows).toMatchObject([{ InvoiceNo: "536365" }]);
  });

  test("takes a pound sign in Latin-1 and one in UTF-8 in the same file", async () => {
    const latin1 = Buffer.from("1,2,VOUCHER £20,6,t,1,,UK\n", "latin1");
    const rows = await rowsOf(Buffer.concat([Buffer.from(`${HEADER}\n1,2,VOUCHER £10,6,t,1,,UK\n`), latin1]));
    expect(rows.map((row) => row.Description)).toEqual(["VOUCHER £10", "VOUCHER £20"]);
  });

  test("finds the columns by name", async () => {
    const rows = await rowsOf(
      "Country,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo,CustomerID\nUK,1,t,6,D,S,I,C\n",
    );
    expect(rows).toMatchObject([{ InvoiceNo: "I", StockCode: "S", Quantity: "6", CustomerID: "C" }]);
  });

  test("marks a row that is cut off", async () => {
    expect(await rowsOf(`${HEADER}\n536365,71053,LAN`)).toMatchObject([{ broken: true, InvoiceNo: "536365" }]);
  });

  test.each([
    ["no columns of the data set", "a,b\n1,2\n", /no column InvoiceNo, StockCode/],
    ["one column missing", `${HEADER.replace("UnitPrice", "Price")}\n`, /no column UnitPrice/],
    ["nothing in it", "", /the file is empty/],
    ["a quote that never ends", `${HEADER}\n1,"2\n`, /it is no CSV/],
  ])("refuses a file with %s", async (_, content, message) => {
    const error = await rowsOf(content).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toMatch(message);
  });

  test("refuses a file that is not there, and a folder", async () => {
    await expect(allRows("/nowhere/day.csv")).rejects.toThrow(/there is no such file/);
    await expect(allRows(tmpdir())).rejects.toThrow(/it is a folder/);
  });

  test("names the container's file of that name where it was given the host's", async () => {
    const path = await aFile(HEADER);
    const read = (name: string) => allRows(`data/online-retail/${name}`, dirname(path));
    await expect(read("day.csv")).rejects.toThrow(`there is no such file; did you mean ${path}?`);
    await expect(read("other.csv")).rejects.toThrow(/there is no such file$/);
  });
});
