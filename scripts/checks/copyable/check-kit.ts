import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kit } from "../../copy/kit.ts";
import { checkRules } from "./check-rules.ts";
import type { Fault } from "./fault.ts";
import { layOut } from "./lay-out.ts";
import { importEach, runTests, typeCheck } from "./run-copies.ts";

/** What keeps files of the kit from being copied. Files that break a rule are not run. */
export async function checkKit(kit: Kit, say: (stage: string) => void = () => undefined): Promise<Fault[]> {
  const faults: Fault[] = [];
  const good = [];
  for (const file of kit.shared) faults.push(...(await checkRules(kit, file)));
  for (const file of kit.files) {
    const found = await checkRules(kit, file);
    faults.push(...found);
    if (found.length === 0) good.push(file);
  }
  say("headers and imports");
  // Outside of the repository: nothing is found by looking further up. Real, because results name real paths.
  const parent = await mkdtemp(join(await realpath(tmpdir()), "holdfast-copyable-"));
  try {
    const copies = [];
    for (const file of good) copies.push(await layOut(kit, file, parent));
    faults.push(...(await typeCheck(copies)));
    say("types");
    faults.push(...(await importEach(copies)));
    say("import in a bare process");
    if (copies.length > 0) faults.push(...(await runTests(copies, parent)));
    say("tests");
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
  return faults;
}
