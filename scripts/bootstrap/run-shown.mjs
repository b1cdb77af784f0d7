import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { explainFailure } from "./explain-failure.mjs";
import { InstallError } from "./install-error.mjs";
import { showProgress } from "./show-progress.mjs";

const LAST_LINES = 15;

/** Runs a package manager; shows that something happens, and what it said only if it fails. @throws {InstallError} */
export async function runShown(root, { what, program, command, args }) {
  // CI: asks nothing, and npm does not advertise its next version.
  const env = { ...process.env, CI: "true", npm_config_update_notifier: "false" };
  const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  const lines = [];
  const progress = showProgress(process.stderr, what);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      progress.update(line);
    });
  }
  try {
    const [code, signal] = await once(child, "close");
    if (code !== 0) throw new Error(`${program} ended with ${signal ?? `code ${code}`}`);
  } catch (error) {
    throw failure(lines, error.message, root);
  } finally {
    process.off("exit", endWithUs);
    progress.end();
  }
}

function failure(lines, what, root) {
  const said = lines.filter((line) => !/^Progress:|^\s*$/.test(line));
  const advice = explainFailure([...said, what].join("\n"), root);
  const last = said.slice(-LAST_LINES).map((line) => `  ${line}`);
  return new InstallError([`Cannot install the packages: ${what}`, ...last, advice].join("\n"));
}
