import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { connect, isIP, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface ConnectOptions {
  /** `host` is a name with an address for each instance. */
  target: { readonly host: string; readonly port: number };
  /** Unit: milliseconds. */
  waitMs: number;
  /** Nobody needs the connection any more. */
  signal: AbortSignal;
  /** The addresses of a name, at least one. @default those that DNS has */
  lookup?: (name: string) => Promise<readonly string[]>;
  /** @default Math.random */
  random?: () => number;
}

/** An instance that is up takes a connection in next to no time. Unit: milliseconds. */
const ATTEMPT_MS = 1_000;
const RETRY_MS = 100;
/** Of its own, with a limit: what the system's lookup waits for would hold up every other one. */
const resolver = new Resolver({ timeout: 1_000, tries: 1 });
const inDns = (name: string) => resolver.resolve4(name);

/**
 * A connection to one of the instances, drawn by lot; the next one where it does not take it, and again from the start until one
 * does.
 *
 * @throws {Error} The last reason, after `waitMs`; the signal's, once it aborts.
 */
export async function connectToAny(options: ConnectOptions): Promise<Socket> {
  const { waitMs, signal } = options;
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    try {
      return await tryAll(options);
    } catch (error) {
      signal.throwIfAborted();
      if (performance.now() + RETRY_MS > giveUpAt) throw error;
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
}

async function tryAll({ target, signal, lookup = inDns, random = Math.random }: ConnectOptions): Promise<Socket> {
  const { host, port } = target;
  const found = isIP(host) === 0 ? await lookup(host) : [host];
  const addresses = found.map((address) => ({ address, lot: random() }));
  let last: unknown;
  for (const { address } of addresses.toSorted((a, b) => a.lot - b.lot)) {
    const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    try {
      await once(socket, "connect", { signal: AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]) });
      return socket;
    } catch (error) {
      socket.on("error", () => undefined); // of an attempt that is given up
      socket.destroy();
      last = error;
    }
  }
  throw last;
}
