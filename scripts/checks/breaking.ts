/**
 * Fails when the contracts are no longer what clients of an earlier commit rely on. Compares with the descriptors
 * committed before (the protos of an old commit alone would lack the standard protos that they import): with HEAD, for
 * what is not committed yet, and with the commit before it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const image = "packages/contracts/src/gen/descriptors.binpb";
const folder = mkdtempSync(join(tmpdir(), "holdfast-breaking-"));

try {
  for (const commit of ["HEAD", "HEAD^"]) {
    const before = spawnSync("git", ["show", `${commit}:${image}`], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
    if (before.status !== 0) {
      console.log(`breaking: ${commit} has no contracts to compare with`);
      continue;
    }
    const file = join(folder, "before.binpb");
    writeFileSync(file, before.stdout);
    const only = ["--exclude-imports", "--path", "proto/ecommerce"];
    execFileSync("buf", ["breaking", "--against", file, ...only], { cwd: root, stdio: "inherit" });
    console.log(`breaking: nothing that clients of ${commit} rely on has changed`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
