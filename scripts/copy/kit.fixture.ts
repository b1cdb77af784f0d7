import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A header as each file of the kit has it. */
export function headerOf(path: string, uses = "-"): string {
  return `// SPDX-License-Identifier: MIT
/**
 * Copy:    ${path}
 * Place:   anywhere.
 * Does:    one thing, which takes
 *          two lines to say.
 * Doesn't: do another thing.
 * With:    ${uses}
 * Source:  none.
 */
`;
}

const clock = `import { now } from "../now.ts";\n/** Twice the time. */\nexport const twice = (): number => now() * 2;\n`;

/** A small kit without faults: one file with what it needs and a test, one that stands alone. */
export const GOOD_KIT: Readonly<Record<string, string>> = {
  "now.ts": `${headerOf("now.ts")}/** Now. */\nexport const now = (): number => 21;\n`,
  "testing/answer.ts": "// SPDX-License-Identifier: MIT\nexport const answer = 42;\n",
  "client/twice.ts": headerOf("client/twice.ts", "now.ts") + clock,
  "client/twice.test.ts": `import { expect, test } from "vitest";
import { answer } from "../testing/answer.ts";
import { twice } from "./twice.ts";

test("twice() is the answer", () => {
  expect(twice()).toBe(answer);
});
`,
  "server/alone.ts": `${headerOf("server/alone.ts")}import { status } from "@grpc/grpc-js";
/** OK. */
export const alone = (): number => status.OK;
`,
  "server/alone.test.ts": `import { expect, test } from "vitest";
import { alone } from "./alone.ts";

test("alone() is OK", () => {
  expect(alone()).toBe(0);
});
`,
};

/** A folder of the given files that goes away. */
export async function folderOf(files: Readonly<Record<string, string>>): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-kit-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
