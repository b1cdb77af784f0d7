// SPDX-License-Identifier: MIT
/**
 * Copy:    dns-server/cluster-dns.ts
 * Place:   one per machine on which all services run beside each other, in the program that starts and ends them;
 *          clients have its address as CLUSTER_DNS.
 * Does:    answers for the cluster's names over UDP and TCP on one port of the loopback interface, as CoreDNS does in
 *          Kubernetes; what `set` has been told is in the next answer. No message and no number of clients ends it.
 * Doesn't: find out who is ready; serve other machines (it has no defence against forged senders); forward or recurse.
 * With:    clock.ts, dns-server/answer-question.ts, dns-server/cluster-records.ts, dns-server/decode-query.ts,
 *          dns-server/encode-response.ts, dns-server/listen-tcp.ts, dns-server/listen-udp.ts, dns-server/message.ts,
 *          dns-server/on-one-port.ts
 * Source:  github.com/kubernetes/dns, docs/specification.md; RFC 1035, RFC 7766.
 */
import { isIPv4 } from "node:net";
import type { Clock } from "../clock.ts";
import { answerQuestion } from "./answer-question.ts";
import { type ClusterService, clusterRecords, type ClusterZone } from "./cluster-records.ts";
import { decodeQuery } from "./decode-query.ts";
import { encodeFailure, encodeResponse, udpLimit } from "./encode-response.ts";
import { listenTcp, type TcpEvent } from "./listen-tcp.ts";
import { listenUdp } from "./listen-udp.ts";
import type { Rcode } from "./message.ts";
import { onOnePort } from "./on-one-port.ts";

export interface ClusterDnsOptions {
  /** An address of the loopback interface. @default "127.0.0.1" */
  host?: string;
  /** 0: any that is free. @default 0 */
  port?: number;
  /** @default "cluster.local" */
  domain?: string;
  /** How long clients may cache an answer. Unit: seconds. @default 5 */
  ttlSeconds?: number;
  /** TCP connections at a time; one more ends the one that has been idle for longest. @default 64 */
  maxTcpConnections?: number;
  /** Longest time between two queries of a connection, and until the first. Unit: milliseconds. @default 5_000 */
  tcpIdleTimeoutMs?: number;
  /** Told of each message and of what goes wrong. */
  observe?: (event: ClusterDnsEvent) => void;
}

type Transport = "udp" | "tcp";

export type ClusterDnsEvent =
  | {
      readonly kind: "answered";
      readonly transport: Transport;
      /** Lower-case, without the dot at the end. */
      readonly name: string;
      /** Number of the record type. */
      readonly type: number;
      readonly rcode: Rcode;
    }
  /** Was no query for records, and was told so. */
  | { readonly kind: "failed"; readonly transport: Transport; readonly rcode: Rcode }
  /** Got no answer: too short, or itself a response. */
  | { readonly kind: "ignored"; readonly transport: Transport }
  | TcpEvent;

export interface ClusterDns extends AsyncDisposable {
  readonly host: string;
  /** The same for UDP and TCP. */
  readonly port: number;
  /** `ip:port`, as `dns.setServers` takes it. */
  readonly server: string;
  /**
   * From now on, these are all that there is.
   * @throws {RangeError} If one of them cannot have records; what there was before stays.
   */
  set(services: readonly ClusterService[]): void;
}

const MAX_TCP_BYTES = 65_535;

/** Rejects with a RangeError if an option is out of range, and with the system's error if the port is taken. */
export async function startClusterDns(
  options: ClusterDnsOptions = {},
  env: { clock?: Clock } = {},
): Promise<ClusterDns> {
  const { host = "127.0.0.1", port = 0, maxTcpConnections = 64, tcpIdleTimeoutMs = 5_000, observe } = options;
  const loopback = host === "::1" || (isIPv4(host) && host.startsWith("127."));
  check("host", host, loopback, "an address of the loopback interface");
  check("port", port, Number.isInteger(port) && port >= 0 && port < 65_536, "0 to 65535");
  const atLeastOne = Number.isInteger(maxTcpConnections) && maxTcpConnections > 0;
  check("maxTcpConnections", maxTcpConnections, atLeastOne, "a whole number, at least 1");
  check("tcpIdleTimeoutMs", tcpIdleTimeoutMs, tcpIdleTimeoutMs > 0 && tcpIdleTimeoutMs < 2 ** 31, "1 to 2147483647");

  const { domain = "cluster.local", ttlSeconds = 5 } = options;
  let serial = 1;
  let zone = clusterRecords([], { domain, ttlSeconds, serial, nameServer: host });

  const respondOver = (transport: Transport) => (message: Uint8Array) => responseTo(message, transport, zone, observe);
  const limits = { maxConnections: maxTcpConnections, idleTimeoutMs: tcpIdleTimeoutMs };
  const listener = await onOnePort(
    port,
    (tcpPort) => listenTcp({ host, port: tcpPort, respond: respondOver("tcp"), observe, ...limits }, env),
    (udpPort) => listenUdp({ host, port: udpPort, respond: respondOver("udp"), observe }),
  );
  return {
    host,
    port: listener.port,
    server: isIPv4(host) ? `${host}:${listener.port}` : `[${host}]:${listener.port}`,
    set(services) {
      zone = clusterRecords(services, { domain, ttlSeconds, serial: serial + 1, nameServer: host });
      serial++;
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** Undefined: none is due. Never throws, whatever the message is. */
function responseTo(
  message: Uint8Array,
  transport: Transport,
  zone: ClusterZone,
  observe: ClusterDnsOptions["observe"],
): Uint8Array | undefined {
  const query = decodeQuery(message);
  if (query === undefined) {
    observe?.({ kind: "ignored", transport });
    return undefined;
  }
  const { header } = query;
  if ("failure" in query) {
    observe?.({ kind: "failed", transport, rcode: query.failure });
    return encodeFailure(header, query.failure);
  }
  const { question } = query;
  const answer = answerQuestion(zone, question);
  observe?.({ kind: "answered", transport, name: question.name, type: question.type, rcode: answer.rcode });
  return encodeResponse(header, question, answer, transport === "tcp" ? MAX_TCP_BYTES : udpLimit(header));
}

function check(option: string, value: string | number, holds: boolean, range: string): void {
  if (!holds) throw new RangeError(`Cannot start the cluster's DNS server: ${option} must be ${range}, is ${value}`);
}
