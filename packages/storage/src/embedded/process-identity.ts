import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * The id of a running process together with when it started: ids are given again, also to this machine's next start.
 * `undefined` if there is none. Source: proc(5), field 22 of /proc/<pid>/stat; the name in field 2 may hold spaces.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (process.platform === "linux") {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined); // no such process
    const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, startTicks] = [fields?.[0], fields?.[19]];
    // A zombie has ended: only its parent has not asked yet.
    return state === undefined || state === "Z" ? undefined : `${pid} ${startTicks}`;
  }
  const found = await run("ps", ["-o", "lstart=", "-p", String(pid)]).catch(() => undefined); // ps fails for none
  return found === undefined ? undefined : `${pid} ${found.stdout.trim()}`;
}
