// SPDX-License-Identifier: MIT
/**
 * Copy:    dns-server/ip-address.ts
 * Place:   beside cluster-records.ts.
 * Does:    turns a written IPv4 or IPv6 address into the bytes of an A or AAAA record, and those into the name under
 *          which a reverse lookup asks for them.
 * Doesn't: know networks, ports or zones (`fe80::1%eth0` is refused: a record has no room for it).
 * With:    -
 * Source:  RFC 1035 section 3.5 (in-addr.arpa), RFC 3596 section 2.5 (ip6.arpa), RFC 5952 (how IPv6 is written).
 */
import { isIPv4, isIPv6 } from "node:net";

/** The 4 bytes of an IPv4 address. Undefined: it is none. */
export function ipv4Bytes(address: string): Uint8Array | undefined {
  return isIPv4(address) ? Uint8Array.from(address.split("."), Number) : undefined;
}

/** The 16 bytes of an IPv6 address. Undefined: it is none. */
export function ipv6Bytes(address: string): Uint8Array | undefined {
  if (!isIPv6(address) || address.includes("%")) return undefined;
  // A URL writes the host in one way only: an IPv4 tail as two groups, and one "::" where zeros are left out.
  const [left, right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::").map(groups);
  if (left === undefined) return undefined;
  const zeros = Array.from({ length: 8 - left.length - (right?.length ?? 0) }, () => 0);
  return Uint8Array.from([...left, ...zeros, ...(right ?? [])].flatMap((group) => [group >> 8, group & 0xff]));
}

function groups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

/** `1.0.0.127.in-addr.arpa` and the like, without the dot at the end. */
export function reverseName(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes.toReversed().join(".")}.in-addr.arpa`;
  const nibbles = Buffer.from(bytes).toString("hex").split("").reverse();
  return `${nibbles.join(".")}.ip6.arpa`;
}
