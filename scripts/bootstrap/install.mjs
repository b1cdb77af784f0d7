import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { explainFailure } from "./explain-failure.mjs";
import { InstallError } from "./install-error.mjs";
import { showProgress } from "./show-progress.mjs";

const PNPM_MAJOR = "12";
const LAST_LINES = 15;

/** Runs pnpm as the lockfile says, and shows how far it is. @throws {InstallError} */
export async function install(root, say) {
  const [command, ...prefix] = pnpmCommand();
  if (command === "npx") say(`pnpm ${PNPM_MAJOR} is not installed: npx fetches it.`);
  const args = [...prefix, "install", "--frozen-lockfile", "--reporter=append-only"];
  // CI: asks nothing. The other two: no questions and no advertisements of npm and corepack either.
  const env = { ...process.env, CI: "true", npm_config_update_notifier: "false", COREPACK_ENABLE_DOWNLOAD_PROMPT: "0" };
  const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  const lines = [];
  const progress = showProgress(process.stderr, "installing");
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      progress.update(line);
    });
  }
  try {
    const [code, signal] = await once(child, "close");
    if (code === 0) return;
    throw failure(lines, `pnpm ended with ${signal ?? `code ${code}`}`, root);
  } catch (error) {
    if (error instanceof InstallError) throw error;
    throw failure([...lines, error.message], `${command} cannot be run`, root);
  } finally {
    process.off("exit", endWithUs);
    progress.end();
  }
}

function failure(lines, what, root) {
  const output = lines.filter((line) => !/^Progress:|^\s*$/.test(line));
  const last = output.slice(-LAST_LINES).map((line) => `  ${line}`);
  return new InstallError(
    [`Cannot install the packages: ${what}`, ...last, explainFailure(output.join("\n"), root)].join("\n"),
  );
}

function pnpmCommand() {
  try {
    const version = execFileSync("pnpm", ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    if (version.startsWith(`${PNPM_MAJOR}.`)) return ["pnpm"];
  } catch {
    // not installed, or one that does not run: npx has the right one
  }
  return ["npx", "-y", `pnpm@${PNPM_MAJOR}`];
}
