// SPDX-License-Identifier: MIT
/**
 * Copy:    dns-server/cluster-records.ts
 * Place:   between what runs and answer-question.ts.
 * Does:    builds the records that Kubernetes' DNS has for headless services: A and AAAA of the service and of each
 *          instance, SRV per named port, PTR per address, TXT of the schema's version.
 * Doesn't: know services with a cluster IP, external names, or the deprecated names of pods.
 * With:    dns-server/ip-address.ts, dns-server/message.ts
 * Source:  github.com/kubernetes/dns, docs/specification.md, 1.1.0, sections 2.2 and 2.4; RFC 1123 (labels), RFC 6335
 *          (port names).
 */
import { ipv4Bytes, ipv6Bytes, reverseName } from "./ip-address.ts";
import { type RecordData, RecordType, type ResourceRecord } from "./message.ts";

/** One named port of one headless service. A service with two ports is two of these. */
export interface ClusterService {
  readonly service: string;
  readonly namespace: string;
  /** `grpc` makes `_grpc._tcp.…`. */
  readonly portName: string;
  /** Those that are ready, and no others. None: the names of the service do not exist. */
  readonly instances: readonly ClusterInstance[];
}

/** At least one of the addresses is given. */
export interface ClusterInstance {
  /** Unique within the service; instances that share it share its name. */
  readonly hostname: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly port: number;
}

export interface ClusterZoneOptions {
  /** @default "cluster.local" */
  domain?: string;
  /** How long an answer may be cached, and the absence of one. Unit: seconds. @default 5 */
  ttlSeconds?: number;
  /** Counts the changes of the zone, for whoever compares. @default 1 */
  serial?: number;
  /** Where `ns.dns.<domain>` itself is reached. @default "127.0.0.1" */
  nameServer?: string;
}

/** All that the server knows. */
export interface ClusterZone {
  readonly domain: string;
  /** What proves that something is absent. */
  readonly soa: ResourceRecord;
  /** Every name that exists. A name without records has names below it. */
  readonly names: ReadonlyMap<string, readonly ResourceRecord[]>;
}

/** Version of the specification whose records these are. */
const SCHEMA_VERSION = "1.1.0";
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/u;
/** The same as in resolver/k8s-target.ts: what no target can name, nobody finds. */
const PORT_NAME = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/u;
const MAX_NAME_BYTES = 255;

/** @throws {RangeError} If a name, a port, an address or the TTL is none; it says which. */
export function clusterRecords(services: readonly ClusterService[], options: ClusterZoneOptions = {}): ClusterZone {
  const { domain = "cluster.local", ttlSeconds = 5, serial = 1, nameServer = "127.0.0.1" } = options;
  for (const label of domain.split("."))
    check("domain", domain, LABEL.test(label), "lower-case labels with dots between");
  const wholeSeconds = Number.isInteger(ttlSeconds) && ttlSeconds >= 0 && ttlSeconds < 2 ** 31;
  check("ttlSeconds", ttlSeconds, wholeSeconds, "0 to 2147483647");
  const zone = new Zone(domain, ttlSeconds);

  const primary = `ns.dns.${domain}`;
  const soa: RecordData = {
    type: RecordType.SOA,
    primary,
    mailbox: `hostmaster.${domain}`,
    serial,
    refreshSeconds: 7_200,
    retrySeconds: 1_800,
    expireSeconds: 86_400,
    negativeTtlSeconds: ttlSeconds,
  };
  zone.add(domain, soa);
  zone.add(domain, { type: RecordType.NS, target: primary });
  zone.add(primary, addressData("nameServer", nameServer, ipv4Bytes(nameServer) ?? ipv6Bytes(nameServer)));
  // A character string of TXT starts with its length.
  const version = Uint8Array.of(SCHEMA_VERSION.length, ...Buffer.from(SCHEMA_VERSION, "latin1"));
  zone.add(`dns-version.${domain}`, { type: RecordType.TXT, bytes: version });
  zone.exists(`svc.${domain}`);
  for (const service of services) addService(zone, service);
  return { domain, soa: { name: domain, ttlSeconds, data: soa }, names: zone.names };
}

function addService(zone: Zone, { service, namespace, portName, instances }: ClusterService): void {
  check("service", service, LABEL.test(service), "a lower-case label of at most 63 characters");
  check("namespace", namespace, LABEL.test(namespace), "a lower-case label of at most 63 characters");
  check("portName", portName, PORT_NAME.test(portName), "a lower-case port name by RFC 6335");
  const serviceName = `${service}.${namespace}.svc.${zone.domain}`;
  // The namespace exists even while nothing in it is ready, and the service's name does not: section 2.4.1.
  zone.exists(`${namespace}.svc.${zone.domain}`);

  for (const instance of instances) {
    const { hostname, port } = instance;
    check("hostname", hostname, LABEL.test(hostname), "a lower-case label of at most 63 characters");
    check("port", port, Number.isInteger(port) && port > 0 && port < 65_536, "1 to 65535");
    const target = `${hostname}.${serviceName}`;
    for (const address of addressesOf(instance)) {
      zone.add(serviceName, address);
      zone.add(target, address);
      zone.add(reverseName(address.bytes), { type: RecordType.PTR, target });
    }
    // All alike: the specification leaves priority and weight open.
    zone.add(`_${portName}._tcp.${serviceName}`, { type: RecordType.SRV, priority: 0, weight: 100, port, target });
  }
}

function addressesOf({ hostname, ipv4, ipv6 }: ClusterInstance): AddressData[] {
  const addresses: AddressData[] = [];
  if (ipv4 !== undefined) addresses.push(addressData("ipv4", ipv4, ipv4Bytes(ipv4)));
  if (ipv6 !== undefined) addresses.push(addressData("ipv6", ipv6, ipv6Bytes(ipv6)));
  check("ipv4 and ipv6", `neither for ${hostname}`, addresses.length > 0, "one or both");
  return addresses;
}

type AddressData = Extract<RecordData, { bytes: Uint8Array }>;

function addressData(option: string, address: string, bytes: Uint8Array | undefined): AddressData {
  if (bytes === undefined) throw outOfRange(option, "an IP address of its family, without a zone", address);
  return { type: bytes.length === 4 ? RecordType.A : RecordType.AAAA, bytes };
}

function check(option: string, value: string | number, holds: boolean, range: string): void {
  if (!holds) throw outOfRange(option, range, value);
}

function outOfRange(option: string, range: string, value: string | number): RangeError {
  return new RangeError(`Cannot build cluster records: ${option} must be ${range}, is ${value}`);
}

class Zone {
  readonly domain: string;
  readonly #ttlSeconds: number;
  readonly #records = new Map<string, Map<string, ResourceRecord>>();

  constructor(domain: string, ttlSeconds: number) {
    this.domain = domain;
    this.#ttlSeconds = ttlSeconds;
  }

  get names(): ReadonlyMap<string, readonly ResourceRecord[]> {
    return new Map([...this.#records].map(([name, records]) => [name, [...records.values()]]));
  }

  /** A second one that says the same has no effect: instances on one machine share an address. */
  add(name: string, data: RecordData): void {
    this.exists(name).set(JSON.stringify(data), { name, ttlSeconds: this.#ttlSeconds, data });
  }

  /** So do all names above it, up to the domain: asked for, they have no data, but they are there (RFC 8020). */
  exists(name: string): Map<string, ResourceRecord> {
    const known = this.#records.get(name);
    if (known !== undefined) return known;
    check("name", name, name.length + 2 <= MAX_NAME_BYTES, `shorter than ${MAX_NAME_BYTES - 1} characters`);
    const records = new Map<string, ResourceRecord>();
    this.#records.set(name, records);
    const above = name.slice(name.indexOf(".") + 1);
    if (above.endsWith(`.${this.domain}`)) this.exists(above);
    return records;
  }
}
