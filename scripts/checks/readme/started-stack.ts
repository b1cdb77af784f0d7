import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A command of README.md that starts the system and goes on until Ctrl-C. */
export class StartedStack implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(command: string, cwd: string, env: NodeJS.ProcessEnv) {
    this.#child = spawn(command, { shell: true, cwd, env, stdio: ["ignore", "pipe", "inherit"], detached: true });
  }

  /** Resolves when it says so. @throws {Error} If it ends before. */
  ready(): Promise<void> {
    let printed = "";
    return new Promise((resolve, reject) => {
      // Read on to the end: a closed pipe would end it.
      this.#child.stdout?.on("data", (chunk: Buffer) => {
        printed += String(chunk);
        if (/Holdfast is ready/.test(printed)) resolve();
      });
      this.#child.once("exit", () => reject(new Error(`It did not become ready:\n${printed}`)));
    });
  }

  /** As a user would: with Ctrl-C, which goes to all of the terminal's processes. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { pid, exitCode } = this.#child;
    if (exitCode !== null || pid === undefined) return;
    process.kill(-pid, "SIGINT");
    await once(this.#child, "exit");
  }
}
