import { Child, type ChildOptions } from "./child.ts";
import type { CallQuestion } from "./client-process.ts";
import { countingProxy } from "./counting-proxy.ts";
import type { LoadResult } from "./load.ts";
import type { Pair, Shape } from "./pair.ts";
import type { ServeQuestion } from "./server-process.ts";

/** One measurement of one pair. */
export interface Slice {
  callsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Of one call, user and system time of all threads. Unit: microseconds. */
  clientCpuUs: number;
  serverCpuUs: number;
}

/** Bytes of one call on the wire, without the headers of TCP and IP. */
export interface WireBytes {
  up: number;
  down: number;
}

interface RunningServer {
  child: Child;
  port: number;
}

/** Calls of which the bytes are counted, and how many of them at the same time. */
const COUNTED = { calls: 320, concurrency: 16 };

export interface BenchSetup {
  /** Whether every server runs on core 0 and every client on core 1. */
  pinned: boolean;
  /** A folder for a CPU profile of each process. @default none */
  profile?: string | undefined;
}

/**
 * The processes of a run, on two cores, all of them alive until the end: a server for each contender and chain, and a client
 * for each. Pairs that differ in the client share their server, and the other way round.
 */
export class Bench implements AsyncDisposable {
  readonly #server: ChildOptions;
  readonly #client: ChildOptions;
  readonly #children: Child[] = [];
  readonly #servers = new Map<string, Promise<RunningServer>>();
  readonly #clients = new Map<string, Child>();

  constructor({ pinned, profile }: BenchSetup) {
    const nodeOptions = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
    this.#server = { core: pinned ? 0 : undefined, nodeOptions };
    this.#client = { core: pinned ? 1 : undefined, nodeOptions };
  }

  /** @throws {Error} If a pair does not give the answer that every contender has to give. */
  async check(pair: Pair, shape: Shape, concurrency: number): Promise<void> {
    const { port } = await this.#serve(pair);
    await this.#ask(pair, "check", { port, shape, concurrency });
  }

  /** Makes so many calls without measuring. */
  async warmUp(pair: Pair, question: { shape: Shape; concurrency: number; calls: number }): Promise<void> {
    const { port } = await this.#serve(pair);
    await this.#ask(pair, "repeat", { ...question, port });
  }

  /** Calls for `leadInMs` without measuring, then for `ms`. */
  async slice(
    pair: Pair,
    { shape, concurrency, leadInMs, ms }: { shape: Shape; concurrency: number; leadInMs: number; ms: number },
  ): Promise<Slice> {
    const { child, port } = await this.#serve(pair);
    await this.#ask(pair, "load", { port, shape, concurrency, ms: leadInMs });
    const before = await child.ask<number>("cpu");
    const { calls, elapsedMs, p50Ms, p99Ms, cpuUs } = await this.#ask<LoadResult>(pair, "load", {
      port,
      shape,
      concurrency,
      ms,
    });
    const after = await child.ask<number>("cpu");
    return {
      callsPerSecond: (calls / elapsedMs) * 1_000,
      p50Ms,
      p99Ms,
      clientCpuUs: cpuUs / calls,
      serverCpuUs: (after - before) / calls,
    };
  }

  /** What one call sends and receives, once the connection is there. */
  async wireBytes(pair: Pair, shape: Shape): Promise<WireBytes> {
    const { concurrency, calls } = COUNTED;
    await using proxy = await countingProxy((await this.#serve(pair)).port);
    const question = { port: proxy.port, shape, concurrency };
    await this.#ask(pair, "repeat", { ...question, calls: concurrency });
    const before = proxy.counted();
    await this.#ask(pair, "repeat", { ...question, calls });
    const after = proxy.counted();
    return { up: (after.up - before.up) / calls, down: (after.down - before.down) / calls };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child[Symbol.asyncDispose]()));
  }

  #serve({ contender, serverChain: chain }: Pair): Promise<RunningServer> {
    const key = `${contender} ${chain}`;
    const known = this.#servers.get(key);
    if (known !== undefined) return known;
    const child = this.#start("server-process.ts", this.#server);
    const question: ServeQuestion = { contender, chain };
    const started = child.ask<number>("serve", question).then((port) => ({ child, port }));
    this.#servers.set(key, started);
    return started;
  }

  #ask<Answer>(
    { contender, clientChain: chain }: Pair,
    question: string,
    args: Omit<CallQuestion, "contender" | "chain"> & { ms?: number; calls?: number },
  ): Promise<Answer> {
    const key = `${contender} ${chain}`;
    let child = this.#clients.get(key);
    if (child === undefined) {
      child = this.#start("client-process.ts", this.#client);
      this.#clients.set(key, child);
    }
    return child.ask<Answer>(question, { contender, chain, ...args });
  }

  #start(script: string, options: ChildOptions): Child {
    const child = new Child(new URL(script, import.meta.url), options);
    this.#children.push(child);
    return child;
  }
}
