import { resolve } from "node:path";
import { ensureInstalled } from "./ensure-installed.mjs";
import { InstallError } from "./install-error.mjs";
import { runScript } from "./run-script.mjs";

const ROOT = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../..");

/** Installs if need be, runs the script, and ends with its exit code. */
export async function main([script, ...args]) {
  if (script === undefined) {
    console.error("usage: node scripts/bootstrap.mjs <script.ts> [arguments]");
    process.exit(2);
  }
  try {
    await ensureInstalled(ROOT, console.error);
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
  process.exit(await runScript(ROOT, script, args));
}
