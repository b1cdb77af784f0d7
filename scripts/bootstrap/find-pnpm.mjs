import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { runShown } from "./run-shown.mjs";

const MAJOR = "12";

/**
 * The command that runs pnpm: the machine's own if it is the right one, else one that npm fetches into the tree. npx is
 * the last resort: one that is killed leaves a lock behind for which the next one waits a minute.
 *
 * @throws {InstallError}
 */
export async function findPnpm(root, say) {
  if (isRight("pnpm", root)) return ["pnpm"];
  const folder = join(root, ".tools/pnpm");
  const own = join(folder, "node_modules/.bin/pnpm");
  if (isRight(own, root)) return [own];
  say(`pnpm ${MAJOR} is not installed: fetching it into ${folder}.`);
  const args = ["install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", `pnpm@${MAJOR}`];
  await runShown(root, { what: "fetching pnpm", program: "npm", command: "npm", args });
  return isRight(own, root) ? [own] : ["npx", "-y", `pnpm@${MAJOR}`];
}

function isRight(command, cwd) {
  try {
    // corepack's stand-in for pnpm would ask whether it may download one.
    const env = { ...process.env, COREPACK_ENABLE_DOWNLOAD_PROMPT: "0" };
    const version = execFileSync(command, ["--version"], {
      cwd,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return version.startsWith(`${MAJOR}.`);
  } catch {
    return false; // not installed, or one that does not run
  }
}
