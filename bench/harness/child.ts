import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

type Reply = { id: number; value: unknown } | { id: number; error: string };

/** Whether a process can be kept on one core here. */
export function canPin(): boolean {
  return spawnSync("taskset", ["-c", "0,1", "true"]).status === 0;
}

export interface ChildOptions {
  /** Undefined: any. */
  core: number | undefined;
  nodeOptions: readonly string[];
  /** What starts it, before `node`: `ip netns exec name`. It has to become it: signals go to what is started. @default [] */
  prefix?: readonly string[];
}

/** A process of a benchmark, on a core of its own, that answers questions: see answer.ts. It ends with this one. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  constructor(script: URL, { core, nodeOptions, prefix = [] }: ChildOptions) {
    const command = [...prefix, process.execPath, ...nodeOptions, script.pathname];
    const pinned = core === undefined ? command : ["taskset", "-c", String(core), ...command];
    const [program = "", ...args] = pinned;
    this.#process = spawn(program, args, { env: environment(), stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#process.on("message", (reply: Reply) => this.#waiting.get(reply.id)?.(reply));
    this.#process.on("exit", (code, signal) => {
      const error = `${script.pathname} has ended with ${code ?? signal}`;
      for (const [id, settle] of this.#waiting) settle({ id, error });
    });
  }

  /** @throws {Error} With what went wrong there. */
  async ask<Answer>(question: string, args: object = {}): Promise<Answer> {
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#waiting.set(id, resolve);
    this.#process.send({ id, question, args });
    const reply = await promise;
    this.#waiting.delete(id);
    if ("error" in reply) throw new Error(`${JSON.stringify(args)}: ${reply.error}`);
    return reply.value as Answer;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    if (this.#process.connected) this.#process.disconnect();
    await ended;
  }
}

/** Production settings, and no proxy between two processes of one machine. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/proxy|^NODE_OPTIONS$/i.test(name));
  return { ...Object.fromEntries(kept), NODE_ENV: "production" };
}
