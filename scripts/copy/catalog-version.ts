import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The package with the version that the kit is tested with, as `npm install` takes it. */
export function versioned(name: string, root: string): string {
  const workspace = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8");
  const line = workspace.split("\n").find((each) => each.replaceAll('"', "").startsWith(`  ${name}: `));
  return line === undefined ? name : `${name}@${line.slice(line.lastIndexOf(": ") + 2)}`;
}
