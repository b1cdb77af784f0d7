// SPDX-License-Identifier: MIT
/**
 * Copy:    resolver/dns-lookup.ts
 * Place:   beside resolver/service-lookup.ts, which asks through it.
 * Does:    asks DNS servers for A, AAAA and SRV records, and tells "there is none" from "nobody could say".
 * Doesn't: search, cache, or read /etc/hosts: a name is asked for as it is, on the wire, every time.
 * With:    -
 * Source:  RFC 1035; c-ares, which node:dns brings (servers that fail are asked last).
 */
import { promises as dns } from "node:dns";
import { isIP, isIPv6 } from "node:net";

/** What came of one question. */
export type DnsAnswer<Value> =
  /** `ttlMs`: Infinity where it is not known. */
  | { readonly kind: "records"; readonly values: readonly Value[]; readonly ttlMs: number }
  /** A server has said that there is no such name (`noName`), with records of whatever type, or none with this type. */
  | { readonly kind: "none"; readonly why: string; readonly noName: boolean }
  /** Nobody could say: no answer, an error, or nonsense. */
  | { readonly kind: "failure"; readonly why: string };

export interface SrvRecord {
  readonly target: string;
  readonly port: number;
  /** Lowest first. */
  readonly priority: number;
  /** Share among those of the same priority. */
  readonly weight: number;
}

/** Whoever answers questions of DNS. No promise of it is ever rejected. */
export interface Dns {
  /** As `ip:port`. */
  readonly servers: readonly string[];
  a(name: string): Promise<DnsAnswer<string>>;
  aaaa(name: string): Promise<DnsAnswer<string>>;
  srv(name: string): Promise<DnsAnswer<SrvRecord>>;
  /** Ends what is being asked, each with a failure. */
  cancel(): void;
}

export interface DnsLookupOptions {
  /** `ip`, `ip:port` or `[ipv6]:port`, the first to be asked first. @default those of the system */
  servers?: readonly string[];
  /** How long a server has for one answer. Range: 10 to 60,000. @default 1_000 */
  timeoutMs?: number;
  /** How often each server is asked. Range: 1 to 10. @default 2 */
  tries?: number;
}

/** What c-ares says when a server has said no: NXDOMAIN, and NOERROR without a record. */
const NONE: Record<string, string> = { ENOTFOUND: "no such name", ENODATA: "no such record" };
/** What else it says, in words. */
const FAILURES: Record<string, string> = {
  ESERVFAIL: "server failure",
  EREFUSED: "refused",
  EBADRESP: "an answer that is none",
  ETIMEOUT: "no answer in time",
  ECONNREFUSED: "no server there",
  ECANCELLED: "given up",
};

/** DNS over UDP, and over TCP where an answer is too large for that. */
export class DnsLookup implements Dns {
  readonly #resolver: dns.Resolver;

  /** @throws {TypeError | RangeError} If an option is out of its range. */
  constructor({ servers, timeoutMs = 1_000, tries = 2 }: DnsLookupOptions = {}) {
    within("timeoutMs", timeoutMs, 10, 60_000);
    within("tries", tries, 1, 10);
    // The second try would wait for twice as long.
    this.#resolver = new dns.Resolver({ timeout: timeoutMs, maxTimeout: timeoutMs, tries });
    if (servers !== undefined) this.#resolver.setServers(checkedServers(servers));
  }

  get servers(): readonly string[] {
    return this.#resolver.getServers().map((server) => {
      // Port 53 is left out there.
      if (isIP(server) === 0) return server;
      return isIPv6(server) ? `[${server}]:53` : `${server}:53`;
    });
  }

  a(name: string): Promise<DnsAnswer<string>> {
    return answerOf(this.#resolver.resolve4(name, { ttl: true }).then(addressesOf));
  }

  aaaa(name: string): Promise<DnsAnswer<string>> {
    return answerOf(this.#resolver.resolve6(name, { ttl: true }).then(addressesOf));
  }

  /** Without a TTL, which node:dns does not tell of SRV records. */
  srv(name: string): Promise<DnsAnswer<SrvRecord>> {
    const asked = this.#resolver.resolveSrv(name).then((records) => ({
      values: records.map(({ name: target, port, priority, weight }) => ({ target, port, priority, weight })),
      ttlMs: Infinity,
    }));
    return answerOf(asked);
  }

  cancel(): void {
    this.#resolver.cancel();
  }
}

/**
 * Reads what `CLUSTER_DNS` has: servers, between commas or spaces. Undefined for nothing: those of the system.
 * @throws {TypeError} If one is not `ip`, `ip:port` or `[ipv6]:port`.
 */
export function parseServers(text: string | undefined): string[] | undefined {
  const servers = (text ?? "").split(/[\s,]+/).filter((each) => each !== "");
  return servers.length === 0 ? undefined : checkedServers(servers);
}

function checkedServers(servers: readonly string[]): string[] {
  if (servers.length === 0) throw new TypeError("Cannot ask DNS: servers must name at least one, or be left out");
  const bad = servers.find((server) => {
    const [, v6, v4, port = "53"] = /^(?:\[(.+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(server) ?? [];
    const address = v6 ?? v4 ?? server;
    const known = v6 === undefined ? isIP(address) !== 0 : isIPv6(address);
    return !known || Number(port) < 1 || Number(port) > 65_535;
  });
  if (bad === undefined) return [...servers];
  throw new TypeError(`Cannot ask DNS: a server must be "ip", "ip:port" or "[ipv6]:port", is "${bad}"`);
}

async function answerOf<Value>(asked: Promise<{ values: readonly Value[]; ttlMs: number }>): Promise<DnsAnswer<Value>> {
  try {
    const { values, ttlMs } = await asked;
    return values.length > 0
      ? { kind: "records", values, ttlMs }
      : { kind: "none", why: "no such record", noName: false };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const none = NONE[code];
    return none !== undefined
      ? { kind: "none", why: none, noName: code === "ENOTFOUND" }
      : { kind: "failure", why: FAILURES[code] ?? code };
  }
}

function addressesOf(records: readonly { address: string; ttl: number }[]) {
  return { values: records.map(({ address }) => address), ttlMs: 1_000 * Math.min(...records.map(({ ttl }) => ttl)) };
}

function within(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`Cannot ask DNS: ${name} must be ${min} to ${max}, is ${value}`);
}
