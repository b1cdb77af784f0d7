/**
 * Sees that every promise of docs/interceptors.md and docs/discovery.md has a passing test that names it, and that docs/statements.md lists them.
 * Reads the report that the unit step of `npm test` leaves. `--write` writes the list.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { faultsOf, listOf } from "./statements/list.ts";
import { type Report, shownBy, shownElsewhere } from "./statements/shown.ts";
import { readStatements } from "./statements/statement.ts";

const ROOT = join(import.meta.dirname, "../..");
const REPORT = join(ROOT, "node_modules/.cache/holdfast/unit.json");
const LIST = join(ROOT, "docs/statements.md");

if (!existsSync(REPORT)) {
  console.error("There is no report of a unit run. Run: npm test -- unit");
  process.exit(2);
}
const statements = ["interceptors.md", "discovery.md"].flatMap((page) =>
  readStatements(readFileSync(join(ROOT, "docs", page), "utf8"), page),
);
const shown = shownBy(JSON.parse(readFileSync(REPORT, "utf8")) as Report, ROOT);
for (const file of globSync("e2e/**/*.e2e.ts", { cwd: ROOT })) {
  shown.push(...shownElsewhere(file, readFileSync(join(ROOT, file), "utf8")));
}

const faults = faultsOf(statements, shown);
const list = listOf(statements, shown);
if (process.argv.includes("--write")) {
  writeFileSync(LIST, list);
} else if (!existsSync(LIST) || readFileSync(LIST, "utf8") !== list) {
  faults.push("docs/statements.md is not of these tests. Run: node scripts/checks/statements.ts --write");
}
for (const fault of faults) console.error(fault);
console.log(`${statements.length} promises, ${faults.length} faults`);
if (faults.length > 0) process.exitCode = 1;
