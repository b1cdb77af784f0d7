// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/members.ts
 * Place:   between the lists of the resolver and the endpoints of policy/holdfast-policy.ts.
 * Does:    takes in a new list: what stays is not touched, neither its connection nor what is known of it; weighs the
 *          endpoints; says in what state each is, and since when.
 * Doesn't: know what an empty list means: nobody hands it one.
 * With:    policy/endpoint.ts, policy/endpoint-state.ts, policy/least-loaded.ts, policy/report.ts,
 *          policy/subset.ts
 * Source:  RFC 2782 for weights.
 */
import { experimental } from "@grpc/grpc-js";
import type { PolicyEndpoint } from "./endpoint.ts";
import { type EndpointState, endpointState } from "./endpoint-state.ts";
import { warmth } from "./least-loaded.ts";
import type { EndpointReport } from "./report.ts";
import { subset } from "./subset.ts";

interface Member {
  readonly endpoint: PolicyEndpoint;
  state: EndpointState;
  since: number;
}

export interface MembersOptions {
  subsetSize: number;
  clientId: string;
  slowStartMs: number;
  create: (endpoint: experimental.Endpoint) => PolicyEndpoint;
  remove: (endpoint: PolicyEndpoint) => void;
}

export class Members {
  readonly #options: MembersOptions;
  readonly #members = new Map<string, Member>();
  #endpoints: readonly PolicyEndpoint[] = [];

  constructor(options: MembersOptions) {
    this.#options = options;
  }

  /** The same array until the list changes. */
  get endpoints(): readonly PolicyEndpoint[] {
    return this.#endpoints;
  }

  update(
    list: readonly experimental.Endpoint[],
    weights: unknown,
    now: number,
  ): { added: readonly string[]; removed: readonly string[] } {
    const { subsetSize, clientId, create, remove } = this.#options;
    const given = new Map(list.map((endpoint) => [keyOf(endpoint), endpoint]));
    const wanted = new Set(subset([...given.keys()], subsetSize, clientId));
    const removed = [...this.#members].filter(([key]) => !wanted.has(key));
    const added = [...given].filter(([key]) => wanted.has(key) && !this.#members.has(key));
    for (const [key, { endpoint }] of removed) {
      this.#members.delete(key);
      remove(endpoint);
    }
    for (const [key, endpoint] of added) {
      this.#members.set(key, { endpoint: create(endpoint), state: "connecting", since: now });
    }
    this.#endpoints = [...this.#members.values()].map(({ endpoint }) => endpoint);
    this.#weigh(given, weights);
    return { added: added.map(([key]) => key), removed: removed.map(([key]) => key) };
  }

  /** Tells of each state that is another one than last time. */
  noteStates(now: number, tell?: (address: string, from: EndpointState, to: EndpointState) => void): void {
    for (const member of this.#members.values()) {
      const { endpoint, state: from } = member;
      const to = endpointState(endpoint, warmth(now - endpoint.warmSince, this.#options.slowStartMs) === 1);
      if (from === to) continue;
      member.state = to;
      // Nobody looks at the very moment at which an endpoint is warm.
      const warmed = from === "slow-starting" && to === "ready";
      member.since = warmed ? endpoint.warmSince + this.#options.slowStartMs : now;
      tell?.(endpoint.address, from, to);
    }
  }

  report(now: number): EndpointReport[] {
    const all = this.#endpoints.reduce((sum, { recent }) => sum + recent.total(now), 0);
    return [...this.#members.values()].map(({ endpoint, state, since }) => {
      const { address, inFlight, calls, recent, record, ready, error } = endpoint;
      const share = all === 0 ? 0 : recent.total(now) / all;
      const why = ready || error === undefined ? {} : { error };
      return { address, state, stateAgeMs: now - since, inFlight, calls, share, ejections: record.ejections, ...why };
    });
  }

  clear(): void {
    for (const endpoint of this.#endpoints) this.#options.remove(endpoint);
    this.#members.clear();
    this.#endpoints = [];
  }

  /** S5: 1 in the mean, and from a hundredth to a hundred times that: a weight of 0 is a small one. */
  #weigh(given: ReadonlyMap<string, experimental.Endpoint>, weights: unknown): void {
    const weighed = [...this.#members].map(([key, { endpoint }]) => {
      const [first] = given.get(key)?.addresses.map(experimental.subchannelAddressToString) ?? [];
      const weight: unknown = weights instanceof Map ? weights.get(first) : undefined;
      return { endpoint, weight: typeof weight === "number" && weight >= 0 ? weight : 1 };
    });
    const mean = weighed.reduce((sum, { weight }) => sum + weight, 0) / weighed.length || 1;
    for (const { endpoint, weight } of weighed) endpoint.weight = Math.min(100, Math.max(0.01, weight / mean));
  }
}

/** The same whatever the order of its addresses. */
function keyOf({ addresses }: experimental.Endpoint): string {
  return addresses.map(experimental.subchannelAddressToString).sort().join(",");
}
