import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { printReport } from "./print-report.ts";
import type { Day } from "./read-day.ts";

const leftOut = Array.from({ length: 25 }, (_, n) => ({
  lineNumber: n + 2,
  invoiceNo: "536365",
  why: "no price",
  detail: "",
}));
const day: Day = {
  path: "day.csv",
  rowCount: 25,
  invoiceCount: 1,
  orders: [],
  leftOut,
  invoicesLeftOut: ["536365"],
  fileMicros: 0n,
  leftOutMicros: 0n,
};

async function printed(folder: string, list = false): Promise<string> {
  const log = vi.spyOn(console, "log").mockReturnValue();
  onTestFinished(() => log.mockRestore());
  const options = { run: "r 1", folder, list, paymentMethod: "pm_card_ok", faults: new Map() };
  await printReport([{ day, outcomes: [], elapsedMs: 1, lateMs: 0 }], options);
  return log.mock.calls.join("\n");
}

describe("printReport()", () => {
  test("keeps the rows that it does not print in a file", async () => {
    await using temp = await mkdtempDisposable(join(tmpdir(), "report-"));
    const path = join(temp.path, "new", "replay-r_1-left-out.txt");
    expect(await printed(join(temp.path, "new"))).toContain(`and 5 more: all of them in ${path} (--list prints them)`);
    expect((await readFile(path, "utf8")).trimEnd().split("\n")).toHaveLength(25);
  });

  test("just says how to see them where nothing may be written, as in a container", async () => {
    await using temp = await mkdtempDisposable(join(tmpdir(), "report-"));
    const file = join(temp.path, "file");
    await writeFile(file, "");
    expect(await printed(join(file, "below"))).toMatch(/and 5 more: --list prints them$/m);
  });

  test("prints all of them when it is asked to", async () => {
    const text = await printed("/nowhere", true);
    expect(text).toContain("day.csv:26");
    expect(text).not.toContain("more");
  });
});
