// SPDX-License-Identifier: MIT
/**
 * Copy:    resolver/service-lookup.ts
 * Place:   beside resolver/k8s-resolver.ts; resolver/poll.ts calls it again and again.
 * Does:    makes the endpoints of one service out of DNS answers: SRV with A and AAAA for a named port, A or AAAA for a number.
 * Doesn't: keep a list, or repeat.
 * With:    clock.ts, resolver/dns-lookup.ts, resolver/endpoint-source.ts, resolver/k8s-target.ts
 * Source:  RFC 2782 (SRV); Kubernetes DNS-Based Service Discovery specification 1.1.0.
 */
import { isIPv4 } from "node:net";
import { type Clock, systemClock } from "../clock.ts";
import type { Dns, DnsAnswer, SrvRecord } from "./dns-lookup.ts";
import type { EndpointSource, Resolution, ServiceEndpoint } from "./endpoint-source.ts";
import { srvName } from "./k8s-target.ts";

export interface ServiceLookupOptions {
  /** The names that the service may have, the first to be preferred. */
  candidates: readonly string[];
  port: number | string;
  /** The number of a named port where no SRV record gives it, as with Docker's DNS. @default {} */
  ports?: Readonly<Record<string, number>> | undefined;
}

/** So many targets of SRV records are looked up at a time: a large service is no burst of packets. */
const LOOKUPS_AT_ONCE = 20;
/**
 * Firewalls and name servers drop questions of one type, AAAA above all. Once the answer of the other type is there, this one is
 * waited for so long: those who answer both do so within this time, and a caller hardly notices it. Unit: milliseconds.
 */
const PATIENCE_MS = 100;
/** What RFC 2782 calls "a very small chance", as a share of the mean. */
const SMALLEST_WEIGHT = 0.01;

type AddressAnswer = DnsAnswer<string>;
/** By target and type. */
type KnownTargets = Map<string, AddressAnswer>;

const LATE: AddressAnswer = { kind: "failure", why: "no answer in time" };

/** Remembers which candidates may still be the service, and what its instances' addresses were. */
export class ServiceLookup implements EndpointSource {
  readonly #dns: Dns;
  readonly #clock: Clock;
  readonly #port: number | string;
  /** Of a named port, where there are no SRV records. */
  readonly #portNumber: number | undefined;
  /** Those that may still turn out to be the service. */
  #candidates: readonly string[];
  /** The last good answers, by the name of SRV records. Once seen, those alone tell which instances there are. */
  readonly #known = new Map<string, KnownTargets>();

  constructor(
    { candidates, port, ports = {} }: ServiceLookupOptions,
    dns: Dns,
    { clock = systemClock }: { clock?: Clock | undefined } = {},
  ) {
    this.#dns = dns;
    this.#clock = clock;
    this.#candidates = candidates;
    this.#port = port;
    this.#portNumber = typeof port === "number" ? port : ports[port];
  }

  async resolve(signal: AbortSignal): Promise<Resolution> {
    const over = new AbortController();
    const end = (): void => over.abort();
    over.signal.addEventListener("abort", () => this.#dns.cancel());
    signal.addEventListener("abort", end, { once: true });
    try {
      return await this.#firstOf(over.signal);
    } finally {
      signal.removeEventListener("abort", end);
      // What nobody waits for any longer is not repeated, nor does it keep the process.
      end();
    }
  }

  /** All names are asked for at once, so that silence costs one wait; the first that answers in their order is taken. */
  async #firstOf(signal: AbortSignal): Promise<Resolution> {
    const asked = this.#candidates.map((name) => this.#resolveName(name, signal));
    const notes: string[] = [];
    let failed = false;
    for (const [index, pending] of asked.entries()) {
      const answer = await pending;
      if (answer.kind === "endpoints") {
        // A channel's name means one service: what comes later in the search path, such as a wildcard of the company's
        // domain, must never take over while the service is away. What comes before may be the service, not ready yet.
        this.#candidates = this.#candidates.slice(0, index + 1);
        return { ...answer, note: this.#noteOf([answer.note]) };
      }
      failed ||= answer.kind === "failure";
      notes.push(answer.note);
    }
    return { kind: failed ? "failure" : "none", note: this.#noteOf(notes) };
  }

  #noteOf(notes: readonly string[]): string {
    return `${notes.join(", ")}; asked ${this.#dns.servers.join(", ") || "nobody: no DNS server is configured"}`;
  }

  async #resolveName(name: string, signal: AbortSignal): Promise<Resolution> {
    if (typeof this.#port === "number") return this.#byAddress(name, this.#port);
    const srv = srvName(this.#port, name);
    const found = await this.#bySrv(srv, signal);
    if (this.#known.has(srv) || this.#portNumber === undefined || signal.aborted) return found;
    const plain = await this.#byAddress(name, this.#portNumber);
    if (plain.kind === "endpoints") return plain;
    const failed = found.kind === "failure" || plain.kind === "failure";
    return { kind: failed ? "failure" : "none", note: `${found.note}, ${plain.note}` };
  }

  /** One family only: the A and the AAAA record of an instance cannot be told to belong together (S4). */
  async #byAddress(name: string, port: number): Promise<Resolution> {
    const v4 = await this.#dns.a(name);
    const found = v4.kind === "none" ? await this.#inTime(this.#dns.aaaa(name), Promise.resolve(v4), v4) : v4;
    if (found.kind !== "records") return { kind: found.kind, note: `${name}: ${found.why}` };
    const endpoints = found.values.map((host) => ({ addresses: [{ host, port }], weight: 1 }));
    return { kind: "endpoints", endpoints, ttlMs: found.ttlMs, note: name };
  }

  async #bySrv(name: string, signal: AbortSignal): Promise<Resolution> {
    const found = await this.#dns.srv(name);
    if (found.kind !== "records") return { kind: found.kind, note: `${name}: ${found.why}` };
    const before: KnownTargets = this.#known.get(name) ?? new Map();
    const known: KnownTargets = new Map();
    const ask = async (target: string, type: "a" | "aaaa"): Promise<AddressAnswer> => {
      const key = `${target} ${type}`;
      // An instance that is still listed does not lose an address because nobody could say it this time (S2).
      const old = before.get(key);
      if (old !== undefined) known.set(key, old);
      const fresh = signal.aborted ? LATE : await this.#dns[type](target);
      if (fresh.kind !== "failure") known.set(key, fresh);
      return known.get(key) ?? fresh;
    };
    const askBoth = ({ target }: SrvRecord): Promise<AddressAnswer[]> => {
      const v4 = ask(target, "a");
      const v6 = ask(target, "aaaa");
      const [old4 = LATE, old6 = LATE] = [before.get(`${target} a`), before.get(`${target} aaaa`)];
      return Promise.all([this.#inTime(v4, v6, old4), this.#inTime(v6, v4, old6)]);
    };
    let result: Resolution = { kind: "none", note: `${name}: targets without an address` };
    for (const group of byPriority(found.values)) {
      const answers = await answersOf(group, askBoth);
      const endpoints = withEvenMean(group.flatMap((record, index) => endpointsOf(record, answers[index] ?? [])));
      const ttlMs = Math.min(
        found.ttlMs,
        ...answers.flat().map((each) => (each.kind === "records" ? each.ttlMs : Infinity)),
      );
      if (endpoints.length > 0) {
        result = { kind: "endpoints", endpoints, ttlMs, note: name };
        break;
      }
      // Whether the better group is really empty is not known: the next one is for when it is.
      if (answers.flat().some(({ kind }) => kind === "failure")) {
        result = { kind: "failure", note: `${name}: targets whose addresses nobody could say` };
        break;
      }
    }
    this.#known.set(name, known);
    return result;
  }

  /** An answer of one type; `otherwise` when it is late, and the one of the other type has said enough. */
  async #inTime(own: Promise<AddressAnswer>, other: Promise<AddressAnswer>, otherwise: AddressAnswer) {
    const first = await Promise.race([own, other]);
    if (first.kind === "failure" || (first.kind === "none" && !first.noName)) return own;
    const late = Promise.withResolvers<AddressAnswer>();
    const timer = this.#clock.setTimeout(() => late.resolve(otherwise), PATIENCE_MS);
    const answer = await Promise.race([own, late.promise]);
    timer.cancel();
    return answer;
  }
}

/** Those of each target, in the same order. */
async function answersOf(
  group: readonly SrvRecord[],
  askBoth: (record: SrvRecord) => Promise<AddressAnswer[]>,
): Promise<AddressAnswer[][]> {
  const answers: AddressAnswer[][] = [];
  for (let at = 0; at < group.length; at += LOOKUPS_AT_ONCE) {
    answers.push(...(await Promise.all(group.slice(at, at + LOOKUPS_AT_ONCE).map(askBoth))));
  }
  return answers;
}

function byPriority(records: readonly SrvRecord[]): SrvRecord[][] {
  // A target of "." says that there is no such service.
  const real = records.filter(({ target, port }) => target !== "" && target !== "." && port > 0);
  const groups = Map.groupBy(real, ({ priority }) => priority);
  return [...groups].toSorted(([a], [b]) => a - b).map(([, group]) => group);
}

/** One endpoint per target, unless it has several addresses of a family: then it is the name of several instances. */
function endpointsOf({ port, weight }: SrvRecord, answers: readonly AddressAnswer[]): ServiceEndpoint[] {
  const hosts = answers.flatMap((answer) => (answer.kind === "records" ? answer.values : []));
  const v4 = hosts.filter((host) => isIPv4(host));
  const v6 = hosts.filter((host) => !isIPv4(host));
  if (hosts.length === 0) return [];
  if (v4.length <= 1 && v6.length <= 1) return [{ addresses: [...v4, ...v6].map((host) => ({ host, port })), weight }];
  const family = v4.length > 0 ? v4 : v6;
  return family.map((host) => ({ addresses: [{ host, port }], weight: weight / family.length }));
}

/** Weights as shares of their mean: what one server calls 50 and 50 and another one 0 and 0 is 1 and 1. */
function withEvenMean(endpoints: readonly ServiceEndpoint[]): ServiceEndpoint[] {
  const mean = endpoints.reduce((sum, { weight }) => sum + weight, 0) / endpoints.length;
  return endpoints.map(({ addresses, weight }) => ({
    addresses,
    weight: mean === 0 ? 1 : Math.max(SMALLEST_WEIGHT, Math.round((1_000 * weight) / mean) / 1_000),
  }));
}
