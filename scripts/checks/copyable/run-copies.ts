import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import type { Fault } from "./fault.ts";
import type { Copy } from "./lay-out.ts";

const BIN = join(import.meta.dirname, "../../../node_modules/.bin");
const IMPORT_TIMEOUT_MS = 20_000;

/** The faults that type-checking the copies in their own projects finds. */
export function typeCheck(copies: readonly Copy[]): Promise<Fault[]> {
  return forEach(copies, async ({ path, folder }) => {
    const { code, output } = await run(join(BIN, "tsc"), ["--pretty", "false", "-p", folder], folder);
    return code === 0 ? [] : [{ file: path, message: `does not type-check alone:\n${output}` }];
  });
}

/** The faults that importing each copy in a bare Node finds. It has to end by itself: nothing may keep it alive. */
export function importEach(copies: readonly Copy[]): Promise<Fault[]> {
  return forEach(copies, async ({ path, folder }) => {
    const script = `await import(${JSON.stringify(`./${path}`)})`;
    const { code, output } = await run(process.execPath, ["--input-type=module", "--eval", script], folder);
    return code === 0 ? [] : [{ file: path, message: `cannot be imported alone:\n${output}` }];
  });
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { fullName: string; status: string; failureMessages?: string[] | null }[];
  }[];
}

/**
 * The faults that the tests of all copies find, in one run. `parent` holds the copies' folders. A test of what many files
 * need is the same in all of their copies: it runs in one.
 */
export async function runTests(copies: readonly Copy[], parent: string): Promise<Fault[]> {
  const include = copies.flatMap(({ folder, tests }, index) =>
    tests
      .filter((test) => test.includes("/") || !copies.slice(0, index).some((earlier) => earlier.tests.includes(test)))
      .map((test) => `${relative(parent, folder)}/${test}`),
  );
  const config = { test: { include, pool: "forks", maxWorkers: availableParallelism(), testTimeout: 15_000 } };
  await writeFile(join(parent, "vitest.config.mjs"), `export default ${JSON.stringify(config)};\n`);
  const file = join(parent, "report.json");
  const args = ["run", "--root", parent, "--reporter=json", `--outputFile=${file}`];
  const { code, output } = await run(join(BIN, "vitest"), args, parent);
  const report = JSON.parse(await readFile(file, "utf8").catch(() => '{"testResults":[]}')) as Report;

  const faults = copies.flatMap(({ path, folder }) => {
    const results = report.testResults.filter(({ name }) => name.startsWith(`${folder}/`));
    const tests = results.flatMap(({ assertionResults }) => assertionResults);
    if (tests.length === 0) return [{ file: path, message: `runs no test alone: ${results[0]?.message ?? output}` }];
    return tests
      .filter(({ status }) => status !== "passed")
      .map(({ fullName, status, failureMessages }) => ({
        file: path,
        message: `alone, the test "${fullName}" is ${status}: ${failureMessages?.[0]?.split("\n")[0] ?? ""}`,
      }));
  });
  if (faults.length === 0 && code !== 0) return [{ file: "the test run", message: output }];
  return faults;
}

/** Works on as many copies at a time as there are processors. */
async function forEach(copies: readonly Copy[], work: (copy: Copy) => Promise<Fault[]>): Promise<Fault[]> {
  const left = [...copies];
  const faults: Fault[] = [];
  const worker = async () => {
    for (let copy = left.shift(); copy !== undefined; copy = left.shift()) faults.push(...(await work(copy)));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return faults;
}

function run(command: string, args: string[], cwd: string): Promise<{ code: number; output: string }> {
  const timeout = command === process.execPath ? IMPORT_TIMEOUT_MS : 0;
  return new Promise((resolve) => {
    execFile(command, args, { cwd, timeout, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      const late = error?.killed === true ? `did not end within ${timeout / 1_000} s\n` : "";
      resolve({ code, output: `${late}${stdout}${stderr}`.trim() });
    });
  });
}
