import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, describe, expect, test } from "vitest";

const DAY = join(import.meta.dirname, "../../data/online-retail/2010-12-01.csv");
const FOLDER = await mkdtemp(join(tmpdir(), "no-stack-"));
await writeFile(join(FOLDER, "other.csv"), "a,b\n1,2\n");
afterAll(() => rm(FOLDER, { recursive: true }));

async function run(program: string, ...args: string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, program), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: code as number, stdout, stderr };
}

describe("npm run replay", () => {
  test.each([
    ["without a file", [], /no file was named/],
    ["with a flag that it does not have", [DAY, "--faster"], /--faster/],
    ["with a file that is not there", ["nowhere.csv"], /nowhere.csv".*no such file/],
    ["with a file of other columns", [join(FOLDER, "other.csv")], /no column InvoiceNo/],
    ["with one file twice", [DAY, DAY, "--folder", FOLDER], /invoice 5\d+ is in/],
    ["without a stack", [DAY, "--folder", FOLDER], /npm start/],
    ["with a target that is none", [DAY, "--folder", FOLDER, "--order-target", "here"], /./],
  ])("ends with 2 and says why %s", async (_, args, message) => {
    const { code, stdout, stderr } = await run("main.ts", ...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  test("tells how it is used", async () => {
    expect(await run("main.ts", "--help")).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("npm run audit:orders", () => {
  test.each([
    ["with a flag that it does not have", ["--quick"], /--quick/],
    ["without a stack", ["--folder", FOLDER], /npm start/],
  ])("ends with 2 and says why %s", async (_, args, message) => {
    const { code, stderr } = await run("../audit/main.ts", ...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
