import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { packagedNode } from "./installation.mjs";

const WANTED_NODE = 24;
/** npm passes on the Ctrl-C that the terminal has already sent to everybody: both are one wish. */
const SAME_SIGNAL_MS = 300;
const PARENT_POLL_MS = 500;

/** Runs the script with Node 24 and resolves with its exit code. Signals reach it once. */
export async function runScript(root, script, args) {
  const ownIsNewEnough = Number(process.versions.node.split(".")[0]) >= WANTED_NODE;
  const node = ownIsNewEnough ? process.execPath : packagedNode(root);
  const PATH = [join(root, "node_modules/.bin"), dirname(node), process.env.PATH].join(delimiter);
  // The channel closes when this process dies, whatever way: a script that starts others listens to it.
  const stdio = ["inherit", "inherit", "inherit", "ipc"];
  const child = spawn(node, [script, ...args], { env: { ...process.env, PATH }, stdio });
  forwardSignals(child);
  const [code, signal] = await once(child, "exit");
  return code ?? 128 + constants.signals[signal];
}

function forwardSignals(child) {
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const sent = new Map();
  const forward = (signal) => {
    if (performance.now() - (sent.get(signal) ?? -Infinity) < SAME_SIGNAL_MS) return;
    sent.set(signal, performance.now());
    child.kill(signal);
  };
  process.on("SIGTERM", forward);
  // A terminal sends these to the whole group, the script included: there it is enough to stay alive.
  for (const signal of ["SIGINT", "SIGHUP"]) process.on(signal, terminal ? () => {} : forward);

  if (process.env.npm_lifecycle_event === undefined) return;
  // npm that is killed cannot pass anything on.
  const npm = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, PARENT_POLL_MS);
  watch.unref();
}
