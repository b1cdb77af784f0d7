// SPDX-License-Identifier: MIT
import { isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ipv4Bytes, ipv6Bytes, reverseName } from "./ip-address.ts";

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");

describe("ipv4Bytes()", () => {
  test("reads four numbers", () => {
    expect(ipv4Bytes("127.0.0.254")).toEqual(Uint8Array.of(127, 0, 0, 254));
  });

  test.each(["", "127.0.0", "127.0.0.256", "127.1", "0127.0.0.1", "::1", "localhost"])("refuses %j", (address) => {
    expect(ipv4Bytes(address)).toBeUndefined();
  });
});

describe("ipv6Bytes()", () => {
  test.each([
    ["::", "0".repeat(32)],
    ["::1", `${"0".repeat(31)}1`],
    ["2001:db8::1", "20010db8000000000000000000000001"],
    ["2001:DB8:0:0:1:0:0:1", "20010db8000000000001000000000001"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1::", `0001${"0".repeat(28)}`],
    ["::ffff:127.0.0.1", "00000000000000000000ffff7f000001"],
  ])("reads %s", (address, bytes) => {
    expect(hex(ipv6Bytes(address))).toBe(bytes);
  });

  test.each(["", "127.0.0.1", "fe80::1%eth0", ":::", "1:2:3", "[::1]", "g::"])("refuses %j", (address) => {
    expect(ipv6Bytes(address)).toBeUndefined();
  });

  test("has 16 bytes for whatever is an address", () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        fc.pre(isIPv6(address));
        expect(ipv6Bytes(address)).toHaveLength(16);
      }),
    );
  });
});

describe("reverseName()", () => {
  test("turns an address around", () => {
    expect(reverseName(Uint8Array.of(10, 3, 0, 100))).toBe("100.0.3.10.in-addr.arpa");
    const zeros = Array.from({ length: 23 }, () => "0.").join("");
    const expected = `1.${zeros}8.b.d.0.1.0.0.2.ip6.arpa`;
    expect(reverseName(ipv6Bytes("2001:db8::1") ?? Uint8Array.of())).toBe(expected);
  });
});
