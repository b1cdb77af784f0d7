import { Child } from "../harness/child.ts";
import type { ClientLog, OpenQuestion, RunQuestion } from "./client-process.ts";
import { CORES } from "./cores.ts";
import { type DnsFront, openDnsFront } from "./dns-front.ts";
import { HOST } from "./dns-server.ts";

export interface ClientOptions {
  /** Of CALLERS. */
  client: string;
  /** In the header of its calls. @default that of the client */
  name?: string;
  /** What its DNS front hands queries on to. */
  dnsPort: number;
  servicePort: number;
}

/** A client under load, in a process of its own, with a DNS server of its own before the one that all share. */
export class Client implements AsyncDisposable {
  readonly name: string;
  readonly front: DnsFront;
  readonly #child: Child;

  private constructor(name: string, front: DnsFront, child: Child) {
    this.name = name;
    this.front = front;
    this.#child = child;
  }

  static async open({ client, name = client, dnsPort, servicePort }: ClientOptions): Promise<Client> {
    const front = await openDnsFront(dnsPort);
    const child = new Child(new URL("client-process.ts", import.meta.url), { core: CORES.clients, nodeOptions: [] });
    const opened = new Client(name, front, child);
    const discovery = { dnsServer: front.server, host: HOST, port: servicePort, name };
    const question: OpenQuestion = { client, discovery };
    await child.ask("open", question);
    return opened;
  }

  /** Begins the load. */
  async run(load: RunQuestion): Promise<void> {
    await this.#child.ask("run", load);
  }

  /** How late its process was at most, since this was last asked. Unit: milliseconds. */
  longestStall(): Promise<number> {
    return this.#child.ask<number>("stall");
  }

  /** Ends the load, and tells all since it began. */
  stop(): Promise<ClientLog> {
    return this.#child.ask<ClientLog>("stop");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    await this.front[Symbol.asyncDispose]();
  }
}
