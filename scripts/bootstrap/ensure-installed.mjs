import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { install } from "./install.mjs";
import { InstallError } from "./install-error.mjs";
import { installLock } from "./install-lock.mjs";
import {
  markInstalled,
  packagedNode,
  packagedPostgres,
  wantedInstallation,
  whatIsMissing,
  workspaceFolders,
} from "./installation.mjs";
import { warmUp } from "./warm-up.mjs";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Makes sure that the tree has its packages, as the lockfile wants them. Two starts at once install once: the second
 * waits for the first.
 *
 * @throws {InstallError} With a message for the user.
 */
export async function ensureInstalled(root, say) {
  if (whatIsMissing(root) === undefined) return;
  const lock = await installLock(root, say);
  const interrupted = (signal) => {
    lock.release();
    process.exit(128 + constants.signals[signal]); // ends pnpm as well
  };
  for (const signal of SIGNALS) process.once(signal, interrupted);
  try {
    const reason = whatIsMissing(root);
    if (reason === undefined) return; // somebody else did it meanwhile
    say(`Installing the packages: ${reason}.`);
    const started = Date.now();
    const wanted = wantedInstallation(root);
    await install(root, say);
    if (whatDoesNotRun(root) !== undefined) {
      say("The packages that were there are damaged: installing all of them anew.");
      removePackages(root);
      await install(root, say);
    }
    const broken = whatDoesNotRun(root);
    if (broken !== undefined) throw new InstallError(`Cannot use the installed packages: ${broken}`);
    say("Preparing the programs.");
    await warmUp(root);
    markInstalled(root, wanted);
    say(`Installed in ${((Date.now() - started) / 1_000).toFixed(1)} s.`);
  } finally {
    lock.release();
    for (const signal of SIGNALS) process.off(signal, interrupted);
  }
}

/** Says what of the installed programs cannot be run, by running them. */
function whatDoesNotRun(root) {
  for (const program of [packagedNode(root), packagedPostgres(root)]) {
    try {
      execFileSync(program, ["--version"], { stdio: ["ignore", "ignore", "pipe"] });
    } catch (error) {
      return `"${program}" does not run: ${String(error.stderr ?? "").trim() || error.message}`;
    }
  }
  return undefined;
}

function removePackages(root) {
  for (const folder of workspaceFolders(root))
    rmSync(join(root, folder, "node_modules"), { recursive: true, force: true });
}
