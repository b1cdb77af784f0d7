// SPDX-License-Identifier: MIT
/**
 * Copy:    resolver/k8s-target.ts
 * Place:   beside resolver/k8s-resolver.ts, which reads a channel's target with it.
 * Does:    reads `k8s:///payment-service.payments:grpc` strictly, and says which full names it may stand for, in order.
 * Doesn't: ask anybody: a name that can never resolve is an error before the first packet.
 * With:    -
 * Source:  Kubernetes, "DNS for Services and Pods" (names, search path, ndots); RFC 1123 (labels); RFC 6335 (port names).
 */
import { isIP } from "node:net";

/** What a client names: a service and one of its ports. */
export interface K8sTarget {
  /** Lower case, without a trailing dot. */
  readonly host: string;
  /** True: written with a trailing dot, and looked up as it is. */
  readonly absolute: boolean;
  /** A number, or a name that an SRV record gives the number of. */
  readonly port: number | string;
}

/** Where names are looked up from. */
export interface NameScope {
  /** The cluster's domain. @default "cluster.local" */
  domain?: string;
  /** The namespace that short names belong to. @default "default" */
  namespace?: string;
  /** What the machine's resolv.conf has as `search`, asked after the cluster's own three. @default [] */
  search?: readonly string[];
  /** With this many dots a name is tried as it is first, with fewer last. Range: 0 to 15. @default 5 */
  ndots?: number;
}

const EXAMPLES = "k8s:///payment-service.payments:grpc or k8s:///payment-service.payments.svc.cluster.local:50051";
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** At most 15 characters, a letter among them, no hyphen at an end or beside another. */
const PORT_NAME = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/;
/** The longest name, in the form with dots. */
const LONGEST_NAME = 253;

/** @throws {TypeError} If it is not a target that can ever resolve: what is wrong with it, and what a right one looks like. */
export function parseK8sTarget(target: string): K8sTarget {
  const wrong = (what: string): TypeError =>
    new TypeError(`Cannot resolve "${target}": ${what}; a target looks like ${EXAMPLES}`);
  const scheme = /^([A-Za-z0-9+.-]+):\/\//.exec(target)?.[1];
  if (scheme === undefined) throw wrong("it does not begin with k8s:///");
  if (scheme !== "k8s") throw wrong(`its scheme is "${scheme}", not "k8s"`);
  const rest = target.slice("k8s://".length);
  if (!rest.startsWith("/")) throw wrong("it needs three slashes, since no server is named between them");
  const path = rest.slice(1);
  const ipv6 = path.startsWith("[") || path.split(":").length > 2;
  const [name = "", port] = ipv6 ? [path] : path.split(":");
  if (ipv6 || isAddress(name)) throw wrong("a client names a service, never an address");
  const host = name.toLowerCase().replace(/\.$/, "");
  if (host === "") throw wrong("it names no service");
  if (host === "localhost" || host.endsWith(".localhost")) throw wrong(`"${host}" is this machine, not a service`);
  const badLabel = host.split(".").find((label) => !LABEL.test(label));
  if (badLabel !== undefined) throw wrong(`"${badLabel}" is not 1 to 63 letters, digits and inner hyphens`);
  if (port === undefined || port === "") throw wrong("it has no port, by name or by number");
  const read = readPort(port);
  if (read === undefined) throw wrong(`its port "${port}" is neither a name nor a number from 1 to 65535`);
  const parsed = { host, absolute: name.endsWith("."), port: read };
  if (tooLong(parsed, host)) throw wrong(`the name is longer than ${LONGEST_NAME} characters`);
  return parsed;
}

/** Also what old libraries take for one: "127.1", "0x7f.1", "2130706433". */
function isAddress(name: string): boolean {
  return isIP(name) !== 0 || /^(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*\.?$/i.test(name);
}

function readPort(text: string): number | string | undefined {
  if (/^\d+$/.test(text)) return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
  const name = text.toLowerCase();
  return PORT_NAME.test(name) ? name : undefined;
}

/** @throws {TypeError | RangeError} If a part of it is no DNS name or number: one message for the first that is wrong. */
export function scopeOf(scope: NameScope): Required<NameScope> {
  const full = { domain: "cluster.local", namespace: "default", search: [], ndots: 5, ...scope };
  const name = (option: string, value: string): string => {
    const plain = value.toLowerCase().replace(/\.$/, "");
    if (plain.split(".").every((label) => LABEL.test(label))) return plain;
    throw new TypeError(`Cannot build a k8s resolver: ${option} must be a DNS name, is "${value}"`);
  };
  if (!LABEL.test(full.namespace)) {
    throw new TypeError(`Cannot build a k8s resolver: namespace must be one DNS label, is "${full.namespace}"`);
  }
  if (!Number.isInteger(full.ndots) || full.ndots < 0 || full.ndots > 15) {
    throw new RangeError(`Cannot build a k8s resolver: ndots must be 0 to 15, is ${full.ndots}`);
  }
  return { ...full, domain: name("domain", full.domain), search: full.search.map((each) => name("search", each)) };
}

/** The full names that a target may stand for, the first to ask first, as a pod's own resolver would have them. */
export function candidatesOf(target: K8sTarget, { domain, namespace, search, ndots }: Required<NameScope>): string[] {
  const { host, absolute } = target;
  // A name within the cluster's domain is whole: the search path would only add questions that nobody has an answer to.
  if (absolute || host.endsWith(`.${domain}`)) return [host];
  const path = [`${namespace}.svc.${domain}`, `svc.${domain}`, domain, ...search];
  const searched = path.map((suffix) => `${host}.${suffix}`);
  const inOrder = dots(host) >= ndots ? [host, ...searched] : [...searched, host];
  return [...new Set(inOrder)].filter((name) => !tooLong(target, name));
}

/**
 * The name that a server's certificate is checked against, the same for every way to write the service. Other names than
 * `service` and `service.namespace`, with or without `svc`, are whole names of something else.
 */
export function authorityOf({ host, absolute }: K8sTarget, { domain, namespace }: Required<NameScope>): string {
  if (absolute) return host;
  const [service = host, space = namespace, svc, ...more] = host.split(".");
  const short = (svc === undefined || svc === "svc") && more.length === 0;
  return short ? `${service}.${space}.svc.${domain}` : host;
}

/** The name of the SRV records of a port. */
export function srvName(port: string, name: string): string {
  return `_${port}._tcp.${name}`;
}

function tooLong({ port }: K8sTarget, name: string): boolean {
  return (typeof port === "string" ? srvName(port, name) : name).length > LONGEST_NAME;
}

function dots(name: string): number {
  return name.split(".").length - 1;
}
