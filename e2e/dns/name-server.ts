import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterService } from "@holdfast/discovery/dns-server/cluster-records";
import { DOMAIN } from "./zone-file.ts";

/** A DNS server that is not ours, for `cluster.local`. */
export interface NameServer extends AsyncDisposable {
  /** `ip:port`, for `CLUSTER_DNS`. */
  readonly address: string;
  /** Makes it answer with these and no others. Resolves when it does. */
  set(services: readonly ClusterService[]): Promise<void>;
  /** Ends it: its port is closed. */
  stop(): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
  /** It is there, and answers nothing. */
  freeze(): void;
  thaw(): void;
}

/** How long the TTL of all records is: short, as it decides when a client looks again. Unit: seconds. */
export const TTL_SECONDS = 1;

const POLL_MS = 20;

/** A server's program. */
export class NameServerProcess {
  readonly #port: number;
  readonly #command: readonly [string, ...string[]];
  #child: ChildProcess | undefined;

  constructor(port: number, command: readonly [string, ...string[]]) {
    this.#port = port;
    this.#command = command;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Resolves when it answers for the domain. @throws {Error} With what it said, if it ends before that. */
  async start(): Promise<void> {
    const [program, ...args] = this.#command;
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    let output = "";
    let failure: Error | undefined;
    child.on("error", (error) => (failure = error));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    while (!(await this.#answers())) {
      if (failure !== undefined) throw new Error(`Cannot start ${program}`, { cause: failure });
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`${program} has ended:\n${output}`);
      }
      await sleep(POLL_MS);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async #answers(): Promise<boolean> {
    const resolver = new Resolver({ timeout: 500, tries: 1 });
    resolver.setServers([this.address]);
    return await resolver.resolveSoa(DOMAIN).then(
      () => true,
      () => false, // not yet
    );
  }
}

/** Waits until the server has noticed: for each of the services it has these instances. */
export async function untilServed(address: string, services: readonly ClusterService[]): Promise<void> {
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([address]);
  for (const { service, namespace, portName, instances } of services) {
    const name = `${service}.${namespace}.svc.${DOMAIN}`;
    const expected = instances.map(({ hostname, port }) => `${hostname}.${name}:${port}`);
    const asExpected = (): Promise<boolean> =>
      resolver.resolveSrv(`_${portName}._tcp.${name}`).then(
        (records) =>
          records.length === expected.length &&
          records.every((record) => expected.includes(`${record.name}:${record.port}`)),
        ({ code }: NodeJS.ErrnoException) => expected.length === 0 && (code === "ENOTFOUND" || code === "ENODATA"),
      );
    while (!(await asExpected())) await sleep(POLL_MS);
  }
}

/** For both UDP and TCP. Somebody else may take it in between: then the server says so, and the test fails. */
export async function freePort(): Promise<number> {
  for (;;) {
    const tcp = createServer().listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const bound = tcp.address();
    const port = bound !== null && typeof bound === "object" ? bound.port : 0;
    const udp = createSocket("udp4");
    const free = await new Promise<boolean>((resolve) => {
      udp.once("error", () => resolve(false));
      udp.bind(port, "127.0.0.1", () => resolve(true));
    });
    udp.close();
    tcp.close();
    await once(tcp, "close");
    if (free) return port;
  }
}
