import { isIPv4 } from "node:net";
import {
  type ClusterService,
  type ClusterZoneOptions,
  clusterRecords,
} from "@holdfast/discovery/dns-server/cluster-records";
import { type RecordData, RecordType, type ResourceRecord } from "@holdfast/discovery/dns-server/message";

export const DOMAIN = "cluster.local";

/** The records of a cluster's services as a zone file, which servers of any make read. Source: RFC 1035, section 5. */
export function zoneFile(services: readonly ClusterService[], options: ClusterZoneOptions): string {
  const { names } = clusterRecords(services, { ...options, domain: DOMAIN });
  // Addresses as names are zones of their own.
  const inside = [...names].filter(([name]) => name === DOMAIN || name.endsWith(`.${DOMAIN}`));
  const records = inside.flatMap(([, each]) => each);
  // Some want the zone's own first.
  const first = records.filter(({ data }) => data.type === RecordType.SOA);
  return [...first, ...records.filter((each) => !first.includes(each))].map((each) => `${line(each)}\n`).join("");
}

function line({ name, ttlSeconds, data }: ResourceRecord): string {
  return `${name}. ${ttlSeconds} IN ${text(data)}`;
}

function text(data: RecordData): string {
  switch (data.type) {
    case RecordType.A:
      return `A ${address(data.bytes.join("."))}`;
    case RecordType.AAAA:
      return `AAAA ${groups(data.bytes).join(":")}`;
    case RecordType.TXT:
      return `TXT "${Buffer.from(data.bytes.subarray(1)).toString("latin1")}"`;
    case RecordType.NS:
      return `NS ${data.target}.`;
    case RecordType.PTR:
      return `PTR ${data.target}.`;
    case RecordType.SRV:
      return `SRV ${data.priority} ${data.weight} ${data.port} ${data.target}.`;
    case RecordType.SOA: {
      const { primary, mailbox, serial, refreshSeconds, retrySeconds, expireSeconds, negativeTtlSeconds } = data;
      const times = [refreshSeconds, retrySeconds, expireSeconds, negativeTtlSeconds];
      return `SOA ${primary}. ${mailbox}. ${serial} ${times.join(" ")}`;
    }
    default:
      return data satisfies never;
  }
}

function address(written: string): string {
  if (isIPv4(written)) return written;
  throw new RangeError(`Cannot write a zone: "${written}" is not the 4 bytes of an address`);
}

function groups(bytes: Uint8Array): string[] {
  return Buffer.from(bytes).toString("hex").match(/.{4}/g) ?? [];
}
