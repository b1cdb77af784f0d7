import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { explainFailure } from "./explain-failure.mjs";
import { InstallError } from "./install-error.mjs";

const POLL_MS = 200;

/** Lets one process install at a time. What a killed one left behind is taken over. @throws {InstallError} */
export async function installLock(root, say) {
  const path = join(root, ".holdfast/install.lock");
  const mine = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(mine, String(process.pid));
  } catch (error) {
    throw new InstallError(
      `Cannot write to "${dirname(path)}": ${error.message}\n${explainFailure(error.message, root)}`,
    );
  }
  try {
    let told = false;
    while (!take(mine, path)) {
      const holder = holderOf(path);
      if (holder === undefined) {
        rmSync(path, { force: true });
        continue;
      }
      if (!told) say(`Process ${holder} is installing the packages: waiting for it. (If it is not, delete ${path})`);
      told = true;
      await sleep(POLL_MS);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return { release: () => rmSync(path, { force: true }) };
}

/** A link is made with its content or not at all: nobody ever reads a lock that is half written. */
function take(mine, path) {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** The living process that has the lock. */
function holderOf(path) {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    process.kill(pid, 0);
    return isZombie(pid) ? undefined : pid;
  } catch (error) {
    return error.code === "EPERM" ? "of another user" : undefined; // ENOENT: released meanwhile; ESRCH: killed
  }
}

/** It has ended, but nobody has asked how yet. Source: proc(5), field 3 of stat. */
function isZombie(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat[stat.lastIndexOf(")") + 2] === "Z";
  } catch {
    return false; // no /proc here
  }
}
