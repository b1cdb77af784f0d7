/**
 * Writes everything that follows from the protos to packages/contracts/src/gen: TypeScript (ts-proto), and the
 * descriptors that validation and reflection read. `--check` fails when what is committed differs.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const gen = "packages/contracts/src/gen";

run("buf", "generate");
run("buf", "build", "--exclude-source-info", "--as-file-descriptor-set", "-o", `${gen}/descriptors.binpb`);

if (process.argv.includes("--check")) {
  const changed = execFileSync("git", ["status", "--porcelain", "--", gen], { cwd: root, encoding: "utf8" });
  if (changed !== "") {
    console.error(`The generated code is not what the protos say. Run "pnpm generate" and commit:\n${changed}`);
    process.exit(1);
  }
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { cwd: root, stdio: "inherit" });
}
