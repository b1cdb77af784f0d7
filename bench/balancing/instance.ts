import { Child } from "../harness/child.ts";
import { CORES } from "./cores.ts";
import type { OwnFault, ServeQuestion, SwitchQuestion } from "./instance-process.ts";
import type { Place } from "./network.ts";
import type { Stream } from "./stream-log.ts";

const SCRIPT = new URL("instance-process.ts", import.meta.url);

/** One place and what runs there: an instance of the service, started again as often as wanted, or nothing. */
export class Instance implements AsyncDisposable {
  readonly name: string;
  readonly place: Place;
  readonly #port: number;
  readonly #fault: OwnFault;
  #child: Child | undefined;
  /** A frozen process does not notice that this one has ended. */
  readonly #killAtExit = () => this.#child?.kill("SIGKILL");

  constructor(name: string, { place, port, fault }: { place: Place; port: number; fault: OwnFault }) {
    this.name = name;
    this.place = place;
    this.#port = port;
    this.#fault = fault;
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    const question: ServeQuestion = { name: this.name, ...this.#listen(), fault: this.#fault };
    await this.#spawn().ask("serve", question);
  }

  /** Puts a process there that accepts connections and says nothing. */
  async startSilent(): Promise<void> {
    await this.#spawn().ask("stay silent", this.#listen());
  }

  async switchFault(faulty: boolean): Promise<void> {
    const question: SwitchQuestion = { faulty };
    await this.#running().ask("switch", question);
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#running().kill(signal);
  }

  /** With SIGKILL; resolves when it has ended. */
  async kill(): Promise<void> {
    const child = this.#running();
    process.off("exit", this.#killAtExit);
    this.#child = undefined;
    child.kill("SIGKILL");
    await child[Symbol.asyncDispose]();
  }

  /** Calls that have arrived since it was last started. */
  streams(): Promise<Stream[]> {
    return this.#running().ask<Stream[]>("streams");
  }

  /** How late its process was at most, since this was last asked. Unit: milliseconds. */
  longestStall(): Promise<number> {
    return this.#running().ask<number>("stall");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A frozen one, too, ends by it.
    if (this.#child !== undefined) await this.kill();
  }

  #listen(): { address: string; port: number } {
    return { address: this.place.address, port: this.#port };
  }

  #spawn(): Child {
    if (this.#child !== undefined) throw new Error(`${this.name} runs already`);
    this.#child = new Child(SCRIPT, { core: CORES.servers, nodeOptions: [], prefix: this.place.prefix });
    process.once("exit", this.#killAtExit);
    return this.#child;
  }

  #running(): Child {
    if (this.#child === undefined) throw new Error(`${this.name} does not run`);
    return this.#child;
  }
}
