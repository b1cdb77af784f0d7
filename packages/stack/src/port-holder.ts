import { readdir, readFile, readlink } from "node:fs/promises";

const LISTEN = "0A";

/**
 * The process that listens on a TCP port, in words: `"node server.js" (process 1234)`. `undefined` where it cannot be
 * found: another user's, or no Linux. Source: proc(5), /proc/net/tcp.
 */
export async function portHolder(port: number): Promise<string | undefined> {
  const tables = await Promise.all(["tcp", "tcp6"].map((table) => read(`/proc/net/${table}`)));
  const sockets = new Set(tables.flatMap((table) => listenersOn(port, table)).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  for (const pid of await list("/proc")) {
    if (!/^\d+$/.test(pid) || !(await hasOneOf(sockets, pid))) continue;
    const command = (await read(`/proc/${pid}/cmdline`)).replaceAll("\0", " ").trim();
    return `"${shortened(command)}" (process ${pid})`;
  }
  return undefined;
}

/** What runs stands at the end, behind the path of the interpreter and its flags. */
function shortened(command: string): string {
  return command.length <= 120 ? command : `${command.slice(0, 30)} … ${command.slice(-85)}`;
}

function listenersOn(port: number, table: string): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode = "0"] = line.trim().split(/\s+/);
    return state === LISTEN && local.endsWith(wanted) ? [inode] : [];
  });
}

async function hasOneOf(sockets: ReadonlySet<string>, pid: string): Promise<boolean> {
  for (const fd of await list(`/proc/${pid}/fd`)) {
    if (sockets.has(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ""))) return true; // closed meanwhile
  }
  return false;
}

/** Processes end and hide: what cannot be read is as good as empty. */
const read = (path: string) => readFile(path, "utf8").catch(() => "");
const list = (path: string) => readdir(path).catch(() => []);
