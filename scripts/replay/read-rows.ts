import { createReadStream, existsSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "csv-parse";
import { decodeText } from "./decode-text.ts";
import { InputError } from "../audit/input-error.ts";

/** The columns of the data set; a file may have them in any order, and others beside them. */
export const COLUMNS = [
  "InvoiceNo",
  "StockCode",
  "Description",
  "Quantity",
  "InvoiceDate",
  "UnitPrice",
  "CustomerID",
] as const;
export type Column = (typeof COLUMNS)[number];

/** Where a container has the days, which the host has in data/online-retail. */
const DAYS_FOLDER = "/data";

/** One row as it stands in the file, without the spaces around each value. A value that is missing is "". */
export interface FileRow extends Readonly<Record<Column, string>> {
  /** Where the row ends in the file; the header is line 1. */
  readonly lineNumber: number;
  /** Whether the row has another number of values than the header. */
  readonly broken: boolean;
}

/**
 * Reads a file of the Online Retail data set row by row, in constant memory. Takes UTF-8 and Latin-1 (each value by
 * itself), a byte order mark, either line end, and quotes inside a value.
 *
 * @throws {InputError} If there is no such file, it is no CSV, or a column is missing.
 */
export async function* readRows(path: string, days = DAYS_FOLDER): AsyncGenerator<FileRow, void, undefined> {
  const parser = parse({
    // Text is decoded value by value: one Latin-1 pound sign must not spoil the file.
    encoding: null,
    info: true,
    relaxColumnCount: true,
    relaxQuotes: true,
    skipEmptyLines: true,
  });
  const file = createReadStream(path).on("error", (error) => parser.destroy(error));
  let header: readonly string[] | undefined;
  try {
    for await (const { record, info } of file.pipe(parser) as AsyncIterable<ParsedRecord>) {
      const values = record.map((value) => decodeText(value).trim());
      // A byte order mark goes with the decoding, but has kept the parser from seeing the quote after it.
      if (header === undefined) header = checkedHeader(path, values.map(unquoted));
      else yield fileRow(header, values, info.lines);
    }
  } catch (error) {
    throw explain(path, days, error);
  } finally {
    file.destroy();
  }
  if (header === undefined) throw new InputError(`Cannot read "${path}": the file is empty`);
}

interface ParsedRecord {
  record: Buffer[];
  info: { lines: number };
}

const unquoted = (value: string) => value.replace(/^"(.*)"$/, "$1");

function checkedHeader(path: string, header: readonly string[]): readonly string[] {
  const missing = COLUMNS.filter((column) => !header.includes(column));
  if (missing.length === 0) return header;
  throw new InputError(
    `Cannot read "${path}": no column ${missing.join(", ")}; its first line is "${header.join(",").slice(0, 200)}"`,
  );
}

function fileRow(header: readonly string[], values: readonly string[], lineNumber: number): FileRow {
  const value = (column: Column) => values[header.indexOf(column)] ?? "";
  return {
    lineNumber,
    broken: values.length !== header.length,
    InvoiceNo: value("InvoiceNo"),
    StockCode: value("StockCode"),
    Description: value("Description"),
    Quantity: value("Quantity"),
    InvoiceDate: value("InvoiceDate"),
    UnitPrice: value("UnitPrice"),
    CustomerID: value("CustomerID"),
  };
}

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "no permission to read it",
};

function explain(path: string, days: string, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const problem = code.startsWith("CSV_") ? `it is no CSV: ${(error as Error).message}` : FILE_PROBLEMS[code];
  if (problem === undefined) return error;
  const meant = join(days, basename(path));
  const hint = code === "ENOENT" && existsSync(meant) ? `; did you mean ${meant}?` : "";
  return new InputError(`Cannot read "${path}": ${problem}${hint}`, { cause: error });
}
