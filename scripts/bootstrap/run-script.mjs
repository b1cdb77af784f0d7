import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { packagedNode } from "./installation.mjs";
import { compileCache } from "./warm-up.mjs";

const WANTED_NODE = 24;
/** Node's own is 16 MiB for each half: a launcher that waits would keep 30 MiB for nothing. */
const SMALL_YOUNG_HEAP = "--max-semi-space-size=4";
/** npm passes on the Ctrl-C that the terminal has already sent to everybody: both are one wish. */
const SAME_SIGNAL_MS = 300;
const PARENT_POLL_MS = 500;

/** Runs the script with Node 24 and resolves with its exit code. Signals reach it once. */
export async function runScript(root, script, args) {
  const ownIsNewEnough = Number(process.versions.node.split(".")[0]) >= WANTED_NODE;
  const node = ownIsNewEnough ? process.execPath : packagedNode(root);
  const PATH = [join(root, "node_modules/.bin"), dirname(node), process.env.PATH].join(delimiter);
  const NODE_COMPILE_CACHE = compileCache(root);
  // The channel closes when this process dies, whatever way: a script that starts others listens to it.
  const stdio = ["inherit", "inherit", "inherit", "ipc"];
  const child = spawn(node, [SMALL_YOUNG_HEAP, script, ...args], {
    env: { NODE_COMPILE_CACHE, ...process.env, PATH },
    stdio,
  });
  forwardSignals(child);
  const [code, signal] = await once(child, "exit");
  return code ?? 128 + constants.signals[signal];
}

function forwardSignals(child) {
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  let lastAt = -Infinity;
  const onSignal = (signal) => {
    const again = performance.now() - lastAt >= SAME_SIGNAL_MS;
    lastAt = performance.now();
    // A terminal sends Ctrl-C to the whole group, the script included: there it is enough to stay alive.
    if (again && !(terminal && signal !== "SIGTERM")) child.kill(signal);
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, onSignal);

  if (process.env.npm_lifecycle_event === undefined) return;
  // npm, or the shell between us, may be killed and not be able to pass anything on.
  const before = ancestors();
  const watch = setInterval(() => {
    if (ancestors() === before) return;
    clearInterval(watch);
    if (lastAt === -Infinity) child.kill("SIGTERM");
  }, PARENT_POLL_MS);
  watch.unref();
}

/** The ids of this process's parent, and on Linux of the parent's parent. Source: proc(5), field 4 of stat. */
function ancestors() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
    const [, grandparent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${process.ppid} ${grandparent}`;
  } catch {
    return `${process.ppid}`; // no /proc here, or the parent has ended
  }
}
