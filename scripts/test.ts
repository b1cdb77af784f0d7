/**
 * `npm test`: every check that the project has, in the order in which they fail fastest. Stops at the first failure.
 * `npm test -- unit e2e` runs only the named ones.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
/** Read by the check of statements. */
const REPORT = "node_modules/.cache/holdfast/unit.json";

const steps: Record<string, string[][]> = {
  format: [
    ["biome", "format", "."],
    ["buf", "format", "--diff", "--exit-code", "--path", "proto/ecommerce"],
  ],
  lint: [["oxlint", "--type-aware", "--deny-warnings"], ["knip"]],
  types: [["tsc", "--noEmit"]],
  contracts: [
    ["node", "scripts/third-party-protos.ts"],
    ["buf", "lint"],
    ["node", "scripts/generate.ts", "--check"],
    ["node", "scripts/checks/breaking.ts"],
  ],
  unit: [
    ["vitest", "run", "--project", "unit", "--reporter=default", "--reporter=json", `--outputFile.json=${REPORT}`],
    ["node", "scripts/checks/statements.ts"],
  ],
  copyable: [["node", "scripts/checks/copyable.ts"]],
  e2e: [["vitest", "run", "--project", "e2e"]],
};

/** Not part of `npm test`: they need more than npm brings, or minutes. By name only; CI runs all but the soak. */
const extra: Record<string, string[][]> = {
  grpcurl: [["vitest", "run", "--project", "grpcurl"]],
  containers: [["vitest", "run", "--project", "containers"]],
  dns: [["vitest", "run", "--project", "dns"]],
  long: [["vitest", "run", "--project", "long"]],
  soak: [["vitest", "run", "--project", "soak"]],
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in steps || name in extra));
if (unknown.length > 0) {
  console.error(`No such check: ${unknown.join(", ")}. There are: ${Object.keys({ ...steps, ...extra }).join(", ")}`);
  process.exit(2);
}

const begin = performance.now();
const chosen = Object.entries(named.length === 0 ? steps : { ...steps, ...extra });
for (const [name, commands] of chosen) {
  if (named.length > 0 && !named.includes(name)) continue;
  const started = performance.now();
  for (const [command = "", ...args] of commands) {
    console.log(`\n▸ ${name}: ${command} ${args.join(" ")}`);
    const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
    if (status === 0) continue;
    console.error(`\n✗ ${name} failed${error === undefined ? "" : `: ${error.message}`}`);
    process.exit(1);
  }
  console.log(`✓ ${name} (${seconds(started)})`);
}
console.log(`\n✓ every check passed (${seconds(begin)})`);

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}
