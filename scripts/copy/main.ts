import { join, resolve } from "node:path";
import { InputError } from "../audit/input-error.ts";
import { versioned } from "./catalog-version.ts";
import { type Collected, collectFiles } from "./collect-files.ts";
import { allKits } from "./kit.ts";
import { type CopyOptions, readOptions, USAGE } from "./options.ts";
import { listed, selectFiles } from "./select-files.ts";
import { writeFiles } from "./write-files.ts";

const ROOT = join(import.meta.dirname, "../..");
// A package runner changes to the project's folder, and says where the user stands.
const cwd = process.env["INIT_CWD"] ?? process.cwd();

async function copy({ names, folder, tests, force }: CopyOptions & { action: "copy" }): Promise<void> {
  const kit = await allKits();
  const chosen = selectFiles(kit.files, names);
  if (kit.files.some(({ name }) => folder === name || folder === name.split("/")[1])) {
    throw new InputError(
      `Cannot copy into "${folder}": the last argument is the folder, and this names a file; if it is one, say ./${folder}`,
    );
  }
  const target = resolve(cwd, folder);
  const collected = await collectFiles(kit, chosen, { tests });
  report(folder, collected, await writeFiles(target, collected.texts, { force }));
}

function report(folder: string, { texts, packages, testPackages }: Collected, written: readonly string[]): void {
  console.log(folder);
  for (const path of texts.keys()) console.log(`  ${path}${written.includes(path) ? "" : " (was there)"}`);
  const install = (names: ReadonlySet<string>) => [...names].toSorted().map((name) => versioned(name, ROOT));
  console.log(`needs: npm install ${install(packages).join(" ")}`);
  if (testPackages.size > 0) console.log(`tests: npm install --save-dev ${install(testPackages).join(" ")}`);
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.action === "help") console.log(USAGE);
  else if (options.action === "list") console.log(listed((await allKits()).files));
  else await copy(options);
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
