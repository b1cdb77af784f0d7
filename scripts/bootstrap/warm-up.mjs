import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { packagedNode } from "./installation.mjs";

const LONGEST_MS = 30_000;

/** Where Node keeps what it has compiled. Found by content: never stale. */
export function compileCache(root) {
  return join(root, "node_modules/.cache/holdfast-compile");
}

/**
 * Lets Node compile every program once: started without configuration, each loads its modules, complains and ends. The
 * first real start is then as quick and small as the others, and no process has megabytes to write when it is to stop.
 */
export async function warmUp(root) {
  const [first, ...others] = programs(root);
  // Most modules are common to all: the others find them compiled.
  await load(root, first);
  await Promise.all(others.map((program) => load(root, program)));
}

function programs(root) {
  const services = existsSync(join(root, "services")) ? readdirSync(join(root, "services")) : [];
  const mains = services.map((name) => [`services/${name}/src/main.ts`]);
  return [...mains, ["scripts/start.ts", "--help"]].filter(([path]) => existsSync(join(root, path)));
}

/** However it ends: without the cache everything works as well, only slower. */
function load(root, program = ["--version"]) {
  const env = { PATH: process.env.PATH, NODE_COMPILE_CACHE: compileCache(root) };
  const options = { cwd: root, env, timeout: LONGEST_MS };
  return new Promise((resolve) => execFile(packagedNode(root), program, options, () => resolve()));
}
