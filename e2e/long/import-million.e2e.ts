import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { peakRssMb } from "./memory-of.ts";
import { report } from "./report.ts";
import { startedSystem } from "./started-system.ts";

const COUNT = 1_000_000;

test("ImportProducts of 1,000,000 rows: product service and client stay below 300 MB", async () => {
  await using system = await startedSystem();
  const { targets, pids } = await system.current();
  // A heap of 64 MB, as services have: without a limit the engine collects late, and what it could give back is counted.
  const client = ["--max-old-space-size=64", join(import.meta.dirname, "import-client.fixture.ts")];
  const { stdout } = await promisify(execFile)(process.execPath, [...client, targets.product, String(COUNT)]);
  const imported = JSON.parse(stdout) as Record<"receivedCount" | "createdCount" | "seconds" | "peakRssMb", number>;

  expect(imported).toMatchObject({ receivedCount: COUNT, createdCount: COUNT });
  const serviceMb = peakRssMb(pids.product ?? 0);
  report("import of 1,000,000 rows", {
    "rows/s": Math.round(COUNT / imported.seconds),
    "peak RSS of product, MB": Math.round(serviceMb),
    "peak RSS of the client, MB": Math.round(imported.peakRssMb),
  });
  expect(serviceMb).toBeLessThan(300);
  expect(imported.peakRssMb).toBeLessThan(300);
});
