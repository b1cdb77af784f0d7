/**
 * Fails when the contracts are no longer what clients of an earlier commit rely on. Compares with the descriptors
 * committed before (the protos of an old commit alone would lack the standard protos that they import): with HEAD, for
 * what is not committed yet, and with the commit before it.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const image = "packages/contracts/src/gen/descriptors.binpb";
const folder = mkdtempSync(join(tmpdir(), "holdfast-breaking-"));

try {
  const now = join(folder, "now.binpb");
  buf("build", "-o", now);
  for (const commit of ["HEAD", "HEAD^"]) {
    const before = spawnSync("git", ["show", `${commit}:${image}`], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
    if (before.status !== 0) {
      console.log(`breaking: ${commit} has no contracts to compare with`);
      continue;
    }
    const earlier = join(folder, "earlier.binpb");
    writeFileSync(earlier, before.stdout);
    buf("breaking", now, "--against", earlier, "--config", join(root, "buf.yaml"));
    console.log(`breaking: nothing that clients of ${commit} rely on has changed`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function buf(...args: string[]): void {
  const { status } = spawnSync("buf", args, { cwd: root, stdio: "inherit" });
  if (status === 0) return;
  rmSync(folder, { recursive: true });
  process.exit(1);
}
