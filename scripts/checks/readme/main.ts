/**
 * Runs every command of README.md, in order and in one shell, and compares what each prints with what stands beneath
 * it. `npm start` is started first, and stopped at the end as a user would: with Ctrl-C.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { matches } from "./matches.ts";
import { readCommands } from "./read-commands.ts";
import { Shell } from "./shell.ts";

const root = join(import.meta.dirname, "../../..");
// As in a newcomer's shell, with grpcurl where CI puts it.
const env = { ...process.env, PATH: `${join(root, ".tools/bin")}:${process.env.PATH}` };
const commands = readCommands(readFileSync(join(root, "README.md"), "utf8"));
const started = commands.find(({ text }) => text === "npm start");
if (started === undefined) throw new Error("README.md does not say how to start");

const stack = spawn("npm", ["start"], { cwd: root, env, stdio: ["ignore", "pipe", "inherit"], detached: true });
let failures = 0;
try {
  console.log("$ npm start");
  await ready();
  using shell = new Shell(root, env);
  for (const command of commands) {
    if (command === started || command.text === "npm test") continue;
    const { printed, code } = await shell.run(command.text, 300_000);
    const good = code === 0 && matches(command.output, printed);
    console.log(`${good ? "✓" : "✗"} README.md:${command.line} $ ${command.text}`);
    if (good) continue;
    failures += 1;
    console.log(`  exit code ${code}; printed:\n${printed}\n  expected:\n${command.output.join("\n")}`);
  }
} finally {
  if (stack.exitCode === null && stack.pid !== undefined) {
    process.kill(-stack.pid, "SIGINT");
    await once(stack, "exit");
  }
}
console.log(`README.md: ${commands.length} commands, ${failures} not as it says`);
process.exitCode = failures === 0 ? 0 : 1;

function ready(): Promise<void> {
  let printed = "";
  return new Promise((resolve, reject) => {
    // Read on to the end: a closed pipe would end it.
    stack.stdout.on("data", (chunk: Buffer) => {
      printed += String(chunk);
      if (/Holdfast is ready/.test(printed)) resolve();
    });
    stack.once("exit", () => reject(new Error(`npm start did not become ready:\n${printed}`)));
  });
}
