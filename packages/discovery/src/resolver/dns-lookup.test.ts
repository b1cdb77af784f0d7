// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { DnsFixture, type DnsMode } from "../testing/dns-fixture.ts";
import { DnsLookup, parseServers } from "./dns-lookup.ts";

const NAME = "payment-service.payments.svc.cluster.local";

async function start() {
  const fixture = await DnsFixture.start({
    [NAME]: {
      addresses: ["10.0.0.2", "10.0.0.1", "fd00::1"],
      srv: [{ target: `a.${NAME}`, port: 50_051, priority: 1, weight: 7 }],
      ttl: 3,
    },
  });
  return { fixture, lookup: new DnsLookup({ servers: [fixture.address], timeoutMs: 250, tries: 2 }) };
}

describe("DnsLookup", () => {
  test("reads A and AAAA with their TTL, and SRV", async () => {
    const { fixture, lookup } = await start();
    await using _ = fixture;
    expect(lookup.servers).toEqual([fixture.address]);
    expect(await lookup.a(NAME)).toEqual({ kind: "records", values: ["10.0.0.2", "10.0.0.1"], ttlMs: 3_000 });
    expect(await lookup.aaaa(NAME)).toEqual({ kind: "records", values: ["fd00::1"], ttlMs: 3_000 });
    expect(await lookup.srv(NAME)).toEqual({
      kind: "records",
      values: [{ target: `a.${NAME}`, port: 50_051, priority: 1, weight: 7 }],
      ttlMs: Infinity,
    });
  });

  test.each<[DnsMode, object]>([
    ["nxdomain", { kind: "none", why: "no such name", noName: true }],
    ["empty", { kind: "none", why: "no such record", noName: false }],
    ["servfail", { kind: "failure", why: "server failure" }],
    ["refused", { kind: "failure", why: "refused" }],
    ["garbage", { kind: "failure", why: "an answer that is none" }],
    ["silent", { kind: "failure", why: "no answer in time" }],
  ])("S2: tells none from failure when a server is %s", async (mode, answer) => {
    const { fixture, lookup } = await start();
    await using _ = fixture;
    fixture.mode = mode;
    expect(await Promise.all([lookup.a(NAME), lookup.aaaa(NAME), lookup.srv(NAME)])).toEqual([answer, answer, answer]);
  });

  test("asks the next server when one does not answer, and when there is none", async () => {
    await using silent = await DnsFixture.start();
    await using good = await DnsFixture.start({ [NAME]: { addresses: ["10.0.0.1"] } });
    silent.mode = "silent";
    const lookup = new DnsLookup({ servers: [silent.address, "127.0.0.1:1", good.address], timeoutMs: 500 });
    expect(await lookup.a(NAME)).toMatchObject({ kind: "records", values: ["10.0.0.1"] });
    expect(silent.questions).toHaveLength(1);
  });

  test("says so when no server is there", async () => {
    const lookup = new DnsLookup({ servers: ["127.0.0.1:1"], timeoutMs: 50 });
    expect(await lookup.a(NAME)).toEqual({ kind: "failure", why: "no server there" });
  });

  test("cancel() ends what is being asked with a failure", async () => {
    const { fixture, lookup } = await start();
    await using _ = fixture;
    fixture.mode = "silent";
    const asked = lookup.a(NAME);
    lookup.cancel();
    expect(await asked).toEqual({ kind: "failure", why: "given up" });
  });

  test("has the system's servers by default, with their ports", () => {
    for (const server of new DnsLookup().servers) expect(server).toMatch(/:\d+$/);
    expect(new DnsLookup({ servers: ["10.96.0.10", "::1"] }).servers).toEqual(["10.96.0.10:53", "[::1]:53"]);
  });

  test.each([
    [{ timeoutMs: 9 }, "timeoutMs must be 10 to 60000, is 9"],
    [{ tries: 0 }, "tries must be 1 to 10, is 0"],
    [{ servers: [] }, "servers must name at least one"],
    [{ servers: ["dns.example:53"] }, 'is "dns.example:53"'],
  ])("refuses %o", (options, why) => {
    expect(() => new DnsLookup(options)).toThrow(why);
  });
});

describe("parseServers()", () => {
  test("reads a list between commas or spaces; nothing means those of the system", () => {
    expect(parseServers(" 10.96.0.10, 127.0.0.1:5353 [::1]:5353,fd00::a")).toEqual([
      "10.96.0.10",
      "127.0.0.1:5353",
      "[::1]:5353",
      "fd00::a",
    ]);
    expect(parseServers(undefined)).toBeUndefined();
    expect(parseServers(" ,")).toBeUndefined();
  });

  test.each(["localhost", "10.0.0.1:0", "10.0.0.1:70000", "10.0.0.1:", "[10.0.0.1]:53", "10.0.0.256"])(
    "refuses %s",
    (server) => {
      expect(() => parseServers(`10.96.0.10,${server}`)).toThrow(`is "${server}"`);
    },
  );
});
