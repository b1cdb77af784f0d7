// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { FakeDns } from "../testing/fake-dns.ts";
import type { Dns } from "./dns-lookup.ts";
import { ServiceLookup } from "./service-lookup.ts";

const FIRST = "pay.orders.svc.cluster.local";
const SECOND = "pay.svc.cluster.local";
const NAME = "pay.corp.example";

const never = new AbortController().signal;

function lookup(dns: Dns, port: number | string, candidates = [FIRST, SECOND, NAME], ports?: Record<string, number>) {
  const service = new ServiceLookup({ candidates, port, ports }, dns);
  return async () => {
    const resolution = await service.resolve(never);
    if (resolution.kind !== "endpoints") return resolution.kind;
    return resolution.endpoints.map(({ addresses }) => addresses.map(({ host, port: number }) => `${host} ${number}`));
  };
}

describe("ServiceLookup, port by number", () => {
  test("S4: every address is an endpoint, of one family: v4, and v6 where there is no v4", async () => {
    const dns = new FakeDns();
    const resolve = lookup(dns, 80, [NAME]);
    dns.addresses[NAME] = ["10.0.0.1", "fd00::1", "10.0.0.2"];
    expect(await resolve()).toEqual([["10.0.0.1 80"], ["10.0.0.2 80"]]);
    dns.addresses[NAME] = ["fd00::1", "fd00::2"];
    expect(await resolve()).toEqual([["fd00::1 80"], ["fd00::2 80"]]);
  });

  test("S4: does not change to v6 because nobody could say the v4 addresses", async () => {
    const dns = new FakeDns();
    dns.addresses[NAME] = ["10.0.0.1", "fd00::1"];
    dns.failing = [`${NAME} A`];
    expect(await lookup(dns, 80, [NAME])()).toBe("failure");
  });

  test("takes the first candidate that has an address, and asks for none after it from then on", async () => {
    const dns = new FakeDns();
    const resolve = lookup(dns, 80);
    dns.addresses[FIRST] = ["10.0.0.1"];
    dns.addresses[SECOND] = ["10.0.0.2"];
    expect(await resolve()).toEqual([["10.0.0.1 80"]]);
    dns.asked.length = 0;
    expect(await resolve()).toEqual([["10.0.0.1 80"]]);
    expect(dns.asked).toEqual([`${FIRST} A`]);
  });

  test("a candidate before it that comes to answer takes over, for good", async () => {
    const dns = new FakeDns();
    const resolve = lookup(dns, 80);
    dns.addresses[NAME] = ["203.0.113.9"];
    expect(await resolve()).toEqual([["203.0.113.9 80"]]);
    dns.addresses[SECOND] = ["10.0.0.2"];
    expect(await resolve()).toEqual([["10.0.0.2 80"]]);
    dns.addresses[SECOND] = [];
    expect(await resolve()).toBe("none");
  });

  test("S2: a service that is away is not handed over to a later candidate", async () => {
    const dns = new FakeDns();
    const resolve = lookup(dns, 80);
    dns.addresses[SECOND] = ["10.0.0.2"];
    dns.addresses[NAME] = ["203.0.113.9"];
    await resolve();
    dns.addresses[SECOND] = [];
    expect(await resolve()).toBe("none");
    dns.failing = [SECOND];
    expect(await resolve()).toBe("failure");
  });

  test("goes back to an earlier candidate that could not say anything at first", async () => {
    const dns = new FakeDns();
    const resolve = lookup(dns, 80);
    dns.addresses[FIRST] = ["10.0.0.1"];
    dns.addresses[SECOND] = ["10.0.0.2"];
    dns.addresses[NAME] = ["203.0.113.9"];
    dns.failing = [FIRST];
    expect(await resolve()).toEqual([["10.0.0.2 80"]]);
    dns.failing = [FIRST, SECOND];
    expect(await resolve()).toBe("failure");
    dns.failing = [];
    expect(await resolve()).toEqual([["10.0.0.1 80"]]);
  });

  test("says which names were asked for, what each answered, and who was asked", async () => {
    const dns = new FakeDns();
    dns.failing = [SECOND];
    const { kind, note } = await new ServiceLookup({ candidates: [FIRST, SECOND], port: 80 }, dns).resolve(never);
    expect(kind).toBe("failure");
    expect(note).toBe(`${FIRST}: no such name, ${SECOND}: server failure; asked 10.96.0.10:53`);
  });
});

describe("ServiceLookup, port by name", () => {
  const SRV = `_grpc._tcp.${NAME}`;
  const pods = (dns: FakeDns) => {
    dns.services[SRV] = [
      { target: `a.${NAME}`, port: 1001 },
      { target: `b.${NAME}`, port: 1002 },
    ];
    dns.addresses[`a.${NAME}`] = ["10.0.0.1", "fd00::1"];
    dns.addresses[`b.${NAME}`] = ["10.0.0.2", "fd00::2"];
    return dns;
  };

  test("S4: A and AAAA of one target are one endpoint; S5: its port is the record's", async () => {
    expect(await lookup(pods(new FakeDns()), "grpc", [NAME])()).toEqual([
      ["10.0.0.1 1001", "fd00::1 1001"],
      ["10.0.0.2 1002", "fd00::2 1002"],
    ]);
  });

  test("S4: a target with several addresses of a family names several instances, which share its weight", async () => {
    const dns = pods(new FakeDns());
    dns.addresses[`a.${NAME}`] = ["10.0.0.1", "10.0.0.3", "fd00::1"];
    const found = await new ServiceLookup({ candidates: [NAME], port: "grpc" }, dns).resolve(never);
    expect(found).toMatchObject({
      endpoints: [
        { addresses: [{ host: "10.0.0.1" }], weight: 0.75 },
        { addresses: [{ host: "10.0.0.3" }], weight: 0.75 },
        { addresses: [{ host: "10.0.0.2" }, { host: "fd00::2" }], weight: 1.5 },
      ],
    });
  });

  test("S5: only the best priority counts, and the next one when it has no addresses", async () => {
    const dns = pods(new FakeDns());
    dns.services[SRV] = [
      { target: `b.${NAME}`, port: 1002, priority: 2 },
      { target: `a.${NAME}`, port: 1001, priority: 1 },
    ];
    const resolve = lookup(dns, "grpc", [NAME]);
    expect(await resolve()).toEqual([["10.0.0.1 1001", "fd00::1 1001"]]);
    dns.addresses[`a.${NAME}`] = [];
    expect(await resolve()).toEqual([["10.0.0.2 1002", "fd00::2 1002"]]);
    dns.failing = [`a.${NAME}`];
    dns.addresses[`a.${NAME}`] = ["10.0.0.1"];
    const fresh = lookup(dns, "grpc", [NAME]);
    expect(await fresh()).toBe("failure");
  });

  test.each([
    [50, 50, 1, 1],
    [0, 0, 1, 1],
    [30, 10, 1.5, 0.5],
    [100, 0, 2, 0.01],
  ])("S5: weights %d and %d are handed on as shares of the mean", async (a, b, first, second) => {
    const dns = pods(new FakeDns());
    dns.services[SRV] = [
      { target: `a.${NAME}`, weight: a },
      { target: `b.${NAME}`, weight: b },
    ];
    const found = await new ServiceLookup({ candidates: [NAME], port: "grpc" }, dns).resolve(never);
    expect(found).toMatchObject({ ttlMs: 5_000, endpoints: [{ weight: first }, { weight: second }] });
  });

  test("S2: an instance keeps its addresses while nobody can say them, and loses them when there are none", async () => {
    const dns = pods(new FakeDns());
    const resolve = lookup(dns, "grpc", [NAME]);
    const all = await resolve();
    dns.failing = [`a.${NAME} AAAA`, `b.${NAME}`];
    expect(await resolve()).toEqual(all);
    // And the time after.
    expect(await resolve()).toEqual(all);
    dns.failing = [];
    dns.addresses[`a.${NAME}`] = ["10.0.0.1"];
    dns.addresses[`b.${NAME}`] = [];
    expect(await resolve()).toEqual([["10.0.0.1 1001"]]);
  });

  test("S2: an instance that SRV no longer lists is gone", async () => {
    const dns = pods(new FakeDns());
    const resolve = lookup(dns, "grpc", [NAME]);
    await resolve();
    dns.services[SRV] = [{ target: `b.${NAME}`, port: 1002 }];
    expect(await resolve()).toEqual([["10.0.0.2 1002", "fd00::2 1002"]]);
  });

  test("a target of the root says that there is no such service", async () => {
    const dns = new FakeDns();
    dns.services[SRV] = [{ target: "" }];
    expect(await lookup(dns, "grpc", [NAME])()).toBe("none");
  });

  test("looks up many targets a few at a time", async () => {
    const dns = new FakeDns();
    const targets = Array.from({ length: 50 }, (_, index) => `p${index}.${NAME}`);
    dns.services[SRV] = targets.map((target) => ({ target, port: 1 }));
    targets.forEach((target, index) => (dns.addresses[target] = [`10.0.0.${index}`]));
    expect(await lookup(dns, "grpc", [NAME])()).toHaveLength(50);
  });

  test("without SRV a named port has the number that it was given, where it was given one", async () => {
    const dns = new FakeDns();
    dns.addresses[NAME] = ["172.18.0.3", "172.18.0.4"];
    expect(await lookup(dns, "grpc", [NAME])()).toBe("none");
    const resolve = lookup(dns, "grpc", [NAME], { grpc: 50_051 });
    expect(await resolve()).toEqual([["172.18.0.3 50051"], ["172.18.0.4 50051"]]);
    dns.failing = [SRV];
    expect(await resolve()).toEqual([["172.18.0.3 50051"], ["172.18.0.4 50051"]]);
    dns.failing = [NAME];
    expect(await resolve()).toBe("failure");
  });

  test("S2: once SRV records have been seen, addresses alone do not take their place", async () => {
    const dns = pods(new FakeDns());
    dns.addresses[NAME] = ["10.0.0.1", "10.0.0.2"];
    const resolve = lookup(dns, "grpc", [NAME], { grpc: 50_051 });
    await resolve();
    dns.failing = [SRV];
    expect(await resolve()).toBe("failure");
  });

  test("asks nothing more once it is given up", async () => {
    const dns = pods(new FakeDns());
    const giveUp = new AbortController();
    const found = new ServiceLookup({ candidates: [NAME], port: "grpc" }, dns).resolve(giveUp.signal);
    giveUp.abort();
    await found;
    expect(dns.cancelled).toBe(1);
    expect(dns.asked).toEqual([`${SRV} SRV`]);
  });
});
