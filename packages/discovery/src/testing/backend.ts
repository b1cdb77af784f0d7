// SPDX-License-Identifier: MIT
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Behaviour } from "./backend-main.ts";

/** A real gRPC server in a process of its own, on loopback. */
export class Backend {
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Up and listening. `port` 0: a free one. */
  static async start({
    port = 0,
    health = true,
    ...behaviour
  }: Partial<Omit<Behaviour, "health">> & { port?: number; health?: boolean } = {}) {
    const child = fork(new URL("./backend-main.ts", import.meta.url), [String(port), health ? "health" : "no-health"]);
    const [message] = (await once(child, "message")) as [{ port: number }];
    const backend = new Backend(child, message.port);
    if (Object.keys(behaviour).length > 0) await backend.set(behaviour);
    return backend;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async set(behaviour: Partial<Behaviour>): Promise<void> {
    const done = once(this.#child, "message");
    this.#child.send(behaviour);
    await done;
  }

  /** How many calls have reached it. */
  async calls(): Promise<number> {
    return (await this.#counts()).calls;
  }

  /** How many streams of Health/Watch are open. */
  async watchers(): Promise<number> {
    return (await this.#counts()).watchers;
  }

  async #counts(): Promise<{ calls: number; watchers: number }> {
    const answer = once(this.#child, "message");
    this.#child.send("count");
    const [counts] = (await answer) as [{ calls: number; watchers: number }];
    return counts;
  }

  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** Several of them, ended together. */
export async function backends(count: number, options: Parameters<typeof Backend.start>[0] = {}) {
  const all = await Promise.all(Array.from({ length: count }, async () => Backend.start(options)));
  return Object.assign(all, {
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map(async (each) => each.kill()));
    },
  });
}
