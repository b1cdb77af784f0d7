/**
 * Runs every command of README.md, in order and in one shell, and compares what each prints with what stands beneath
 * it. What starts with `npm start` goes on until the next one, or the end, and is stopped as a user would: with Ctrl-C.
 * What needs a Docker engine does not run where there is none, and that is said.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { matches } from "./matches.ts";
import { readCommands } from "./read-commands.ts";
import { Shell } from "./shell.ts";
import { StartedStack } from "./started-stack.ts";

const root = join(import.meta.dirname, "../../..");
// As in a newcomer's shell, with grpcurl where CI puts it.
// A project of its own: whoever has the containers running keeps them, and their data.
const PATH = `${join(root, ".tools/bin")}:${process.env["PATH"]}`;
const env = { ...process.env, PATH, COMPOSE_PROJECT_NAME: "holdfast-readme" };
const commands = readCommands(readFileSync(join(root, "README.md"), "utf8"));
if (!commands.some(({ text }) => text === "npm start")) throw new Error("README.md does not say how to start");

/** Its commands need a Docker engine, and the ports that `npm start` has. */
const CONTAINERS = "In containers";
const hasEngine = spawnSync("docker", ["info"], { stdio: "ignore" }).status === 0;
const skipped = hasEngine ? [] : commands.filter(({ section }) => section === CONTAINERS);

let stack: StartedStack | undefined;
let failures = 0;
try {
  using shell = new Shell(root, env);
  for (const command of commands) {
    if (command.text === "npm test" || skipped.includes(command)) continue;
    const startsAnother = command.text.startsWith("docker compose up") || command.text.startsWith("npm start");
    if (startsAnother) {
      await stack?.[Symbol.asyncDispose]();
      stack = undefined;
    }
    if (command.text.startsWith("npm start")) {
      console.log(`$ ${command.text}`);
      stack = new StartedStack(command.text, root, env);
      await stack.ready();
      continue;
    }
    const { printed, code } = await shell.run(command.text, 300_000);
    const good = code === 0 && matches(command.output, printed);
    console.log(`${good ? "✓" : "✗"} README.md:${command.line} $ ${command.text}`);
    if (good) continue;
    failures += 1;
    console.log(`  exit code ${code}; printed:\n${printed}\n  expected:\n${command.output.join("\n")}`);
  }
} finally {
  if (hasEngine) spawnSync("docker", ["compose", "down", "--volumes"], { cwd: root, env, stdio: "ignore" });
  await stack?.[Symbol.asyncDispose]();
}
if (skipped.length > 0) console.warn(`NOT RUN: ${skipped.length} commands under "${CONTAINERS}", no Docker engine`);
console.log(`README.md: ${commands.length} commands, ${failures} not as it says`);
process.exitCode = failures === 0 ? 0 : 1;
