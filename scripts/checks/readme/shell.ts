import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";

/** One shell for many commands, so that a variable set by one is there for the next. */
export class Shell implements Disposable {
  readonly #bash;
  #printed = "";
  #wake: () => void = () => undefined;

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.#bash = spawn("bash", ["--noprofile", "--norc"], { cwd, env, stdio: ["pipe", "pipe", "inherit"] });
    this.#bash.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#printed += text;
      this.#wake();
    });
  }

  /** Runs a command to its end. @returns What it printed, errors included, and its exit code. */
  async run(command: string, timeoutMs: number): Promise<{ printed: string; code: number }> {
    const mark = `done-${randomUUID()}`;
    this.#printed = "";
    this.#bash.stdin.write(`{ ${command}\n} 2>&1 </dev/null; echo "${mark} $?"\n`);
    const end = new RegExp(`^${mark} (\\d+)\\n`, "m");
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`No end after ${timeoutMs / 1_000} s`)), timeoutMs);
    try {
      while (true) {
        const found = end.exec(this.#printed);
        if (found !== null) return { printed: this.#printed.slice(0, found.index), code: Number(found[1]) };
        const { promise: more, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await Promise.race([more, late]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#bash.kill();
  }
}
