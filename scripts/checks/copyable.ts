/**
 * Copies every file of the interceptor kit alone, and discovery as a whole, into an empty project, type-checks it, imports it and runs
 * its tests there; and sees that the table of files in README.md is what their headers say. `--write` writes the table.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { discoveryKit, ownKit } from "../copy/kit.ts";
import { checkKit } from "./copyable/check-kit.ts";
import { tableOf, withTable } from "./copyable/table.ts";

const README = join(import.meta.dirname, "../../README.md");
const kit = await ownKit();
const discovery = await discoveryKit();

if (process.argv.includes("--write")) {
  writeFileSync(README, withTable(readFileSync(README, "utf8"), await tableOf(kit)));
} else {
  let since = performance.now();
  const say = (stage: string) => {
    console.log(`  ${stage} (${((performance.now() - since) / 1_000).toFixed(1)} s)`);
    since = performance.now();
  };
  const faults = [...(await checkKit(kit, say)), ...(await checkKit(discovery, say))];
  for (const { file, message } of faults) console.error(`${file} ${message}`);
  console.log(`${kit.files.length + discovery.files.length} files, ${faults.length} faults`);
  if (
    faults.length === 0 &&
    readFileSync(README, "utf8") !== withTable(readFileSync(README, "utf8"), await tableOf(kit))
  ) {
    console.error("README.md's table is not what the headers say. Run: node scripts/checks/copyable.ts --write");
    process.exitCode = 1;
  }
  if (faults.length > 0) process.exitCode = 1;
}
