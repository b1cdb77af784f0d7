// SPDX-License-Identifier: MIT
import { experimental, Metadata, status } from "@grpc/grpc-js";

const lists = new Map<string, EndpointList>();
let registered = false;
let names = 0;

/** Names that resolve to what a test says, when it says it. */
export class EndpointList {
  readonly target: string;
  #result: Parameters<experimental.ResolverListener> | undefined;
  readonly #listeners = new Set<experimental.ResolverListener>();
  /** How often the channel asked. */
  resolutions = 0;

  constructor(addresses?: readonly string[]) {
    if (!registered) experimental.registerResolver("list", ListResolver);
    registered = true;
    const name = `list-${++names}`;
    lists.set(name, this);
    this.target = `list:///${name}`;
    if (addresses) this.set(addresses);
  }

  /** Each `ip:port`; several of one endpoint with commas between. */
  set(addresses: readonly string[], attributes: { [name: string]: unknown } = {}): void {
    const endpoints = addresses.map((each) => ({ addresses: each.split(",").map(addressOf) }));
    this.#tell([experimental.statusOrFromValue(endpoints), attributes, null, ""]);
  }

  fail(details: string): void {
    const error = { code: status.UNAVAILABLE, details, metadata: new Metadata() };
    this.#tell([experimental.statusOrFromError(error), {}, null, ""]);
  }

  /** @internal */
  ask(listener: experimental.ResolverListener): void {
    this.resolutions++;
    this.#listeners.add(listener);
    if (this.#result) process.nextTick(listener, ...this.#result);
  }

  /** @internal */
  leave(listener: experimental.ResolverListener): void {
    this.#listeners.delete(listener);
  }

  #tell(result: Parameters<experimental.ResolverListener>): void {
    this.#result = result;
    for (const listener of this.#listeners) listener(...result);
  }
}

class ListResolver implements experimental.Resolver {
  readonly #list: EndpointList | undefined;
  readonly #listener: experimental.ResolverListener;

  constructor({ path }: experimental.GrpcUri, listener: experimental.ResolverListener) {
    this.#list = lists.get(path);
    this.#listener = listener;
  }

  updateResolution(): void {
    this.#list?.ask(this.#listener);
  }

  destroy(): void {
    this.#list?.leave(this.#listener);
  }

  static getDefaultAuthority({ path }: experimental.GrpcUri): string {
    return path;
  }
}

function addressOf(text: string): experimental.SubchannelAddress {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
