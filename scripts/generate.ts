/**
 * Writes everything that follows from the protos: TypeScript (ts-proto) and the descriptors that validation and
 * reflection read, the table of methods, golden bytes of new messages, docs/errors.md. `--check` fails when what is committed differs.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const gen = "packages/contracts/src/gen";
const written = [gen, "packages/contracts/src/golden/golden.json", "docs/errors.md"];

run("buf", "generate");
run("buf", "build", "--exclude-source-info", "--as-file-descriptor-set", "-o", `${gen}/descriptors.binpb`);
writeFileSync(join(root, gen, "methods.ts"), capture("node", "scripts/generate-methods.ts"));
run("node", "packages/contracts/src/golden/update.ts");
writeFileSync(join(root, "docs/errors.md"), capture("node", "scripts/generate-errors.ts"));

if (process.argv.includes("--check")) {
  const changed = capture("git", "status", "--porcelain", "--", ...written);
  if (changed !== "") {
    console.error(`The generated code is not what the protos say. Run "npm run generate" and commit:\n${changed}`);
    process.exit(1);
  }
}

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

function capture(command: string, ...args: string[]): string {
  const { status, stdout } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) process.exit(1);
  return stdout;
}
