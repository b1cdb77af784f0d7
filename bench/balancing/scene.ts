import { CALLERS } from "./callers/all.ts";
import { Client, type ClientOptions } from "./client.ts";
import { type DnsServer, openDnsServer } from "./dns-server.ts";
import { Instance } from "./instance.ts";
import type { OwnFault } from "./instance-process.ts";
import type { Network } from "./network.ts";
import { now } from "./stream-log.ts";

/** Fresh instances and their DNS: no test finds what another has left. */
export class Scene implements AsyncDisposable {
  readonly instances: readonly Instance[];
  readonly dns: DnsServer;
  readonly #servicePort: number;
  readonly #clients: Client[] = [];

  private constructor(instances: readonly Instance[], dns: DnsServer, servicePort: number) {
    this.instances = instances;
    this.dns = dns;
    this.#servicePort = servicePort;
  }

  static async open(network: Network, count: number, fault: OwnFault = "unavailable"): Promise<Scene> {
    const { port, places } = network;
    const instances = places
      .slice(0, count)
      .map((place, index) => new Instance(`instance-${index + 1}`, { place, port, fault }));
    const scene = new Scene(instances, await openDnsServer(port), port);
    try {
      await Promise.all(instances.map((instance) => instance.start()));
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
    scene.dns.list(instances);
    return scene;
  }

  /** One of each client under test. */
  runAllClients(perSecond: number): Promise<Client[]> {
    const all = CALLERS.map(({ name }) => ({ client: name }));
    return this.runClients(all, perSecond);
  }

  /** Their calls are due in turn, not at the same moments. Resolves when the first ones are. One that names no DNS has the scene's. */
  async runClients(
    wanted: readonly (Pick<ClientOptions, "client"> & Partial<ClientOptions>)[],
    perSecond: number,
  ): Promise<Client[]> {
    const common = { dnsPort: this.dns.port, servicePort: this.#servicePort };
    const opening = wanted.map(async (each) => {
      const client = await Client.open({ ...common, ...each });
      this.#clients.push(client);
      return client;
    });
    const clients = await Promise.all(opening);
    const first = now() + 100;
    const intervalMs = 1_000 / perSecond;
    await Promise.all(
      clients.map((client, index) => {
        return client.run({ perSecond, startAt: first + (index / clients.length) * intervalMs });
      }),
    );
    return clients;
  }

  /**
   * How late any of the processes was at most, since this was last asked: a machine that has too much to do looks like an instance
   * that is ill. Unit: milliseconds.
   */
  async longestStall(without?: Instance): Promise<number> {
    const healthy = this.instances.filter((instance) => instance !== without);
    const stalls = [...healthy, ...this.#clients].map((process) => process.longestStall());
    return Math.max(...(await Promise.all(stalls)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client[Symbol.asyncDispose]()));
    await Promise.all(this.instances.map((instance) => instance[Symbol.asyncDispose]()));
    await this.dns[Symbol.asyncDispose]();
  }
}
