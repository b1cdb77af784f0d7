// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type ClusterInstance, clusterRecords, type ClusterService } from "./cluster-records.ts";
import { reverseName } from "./ip-address.ts";
import { RecordType } from "./message.ts";

function aService(fields: Partial<ClusterService> = {}): ClusterService {
  return { service: "payment", namespace: "payments", portName: "grpc", instances: [anInstance(0)], ...fields };
}

function anInstance(index: number, fields: Partial<ClusterInstance> = {}): ClusterInstance {
  return { hostname: `payment-${index}`, ipv4: `127.0.0.${index + 1}`, port: 50_051 + index, ...fields };
}

const serviceName = "payment.payments.svc.cluster.local";

/** What the zone says of a name; undefined: it has no such name. */
function at(name: string, services: ClusterService[]) {
  return clusterRecords(services)
    .names.get(name)
    ?.map(({ data }) => data);
}

const address = (...bytes: number[]) => ({ type: RecordType.A, bytes: Uint8Array.from(bytes) });

describe("clusterRecords()", () => {
  test("spec 2.2: says by which version of the schema it goes", () => {
    const bytes = Uint8Array.from(Buffer.from("\u{5}1.1.0"));
    expect(at("dns-version.cluster.local", [])).toEqual([{ type: RecordType.TXT, bytes }]);
  });

  test("spec 2.4.1: has an A record of the service for each instance, and one of the instance itself", () => {
    const services = [aService({ instances: [anInstance(0), anInstance(1)] })];
    expect(at(serviceName, services)).toEqual([address(127, 0, 0, 1), address(127, 0, 0, 2)]);
    expect(at(`payment-1.${serviceName}`, services)).toEqual([address(127, 0, 0, 2)]);
  });

  test("spec 2.4.1: has AAAA records beside them, or alone", () => {
    const six = { type: RecordType.AAAA, bytes: Uint8Array.from([...new Uint8Array(15), 1]) };
    const both = [aService({ instances: [anInstance(0, { ipv6: "::1" })] })];
    expect(at(serviceName, both)).toEqual([address(127, 0, 0, 1), six]);
    const { ipv4: _, ...alone } = anInstance(0, { ipv6: "::1" });
    expect(at(`payment-0.${serviceName}`, [aService({ instances: [alone] })])).toEqual([six]);
  });

  test("spec 2.4.1: has all addresses of instances that share a host name", () => {
    const instances = [anInstance(0, { hostname: "twin" }), anInstance(1, { hostname: "twin" })];
    expect(at(`twin.${serviceName}`, [aService({ instances })])).toHaveLength(2);
  });

  test("spec 2.4.1: has no name of a service without a ready instance, while its namespace stays", () => {
    const services = [aService({ instances: [] })];
    expect(at(serviceName, services)).toBeUndefined();
    expect(at(`_grpc._tcp.${serviceName}`, services)).toBeUndefined();
    expect(at("payments.svc.cluster.local", services)).toEqual([]);
  });

  test("spec 2.4.2: has an SRV record for each instance and named port", () => {
    const instances = [anInstance(0), anInstance(1)];
    const metrics = instances.map((each) => ({ ...each, port: 9_464 }));
    const services = [aService({ instances }), aService({ portName: "metrics", instances: metrics })];
    const srv = (index: number, port: number) => {
      return { type: RecordType.SRV, priority: 0, weight: 100, port, target: `payment-${index}.${serviceName}` };
    };
    expect(at(`_grpc._tcp.${serviceName}`, services)).toEqual([srv(0, 50_051), srv(1, 50_052)]);
    expect(at(`_metrics._tcp.${serviceName}`, services)).toEqual([srv(0, 9_464), srv(1, 9_464)]);
    expect(at(serviceName, services)).toHaveLength(2);
  });

  test("spec 2.4.3: has a PTR record for each instance's address, also where instances share one", () => {
    const instances = [anInstance(0), anInstance(1, { ipv4: "127.0.0.1", ipv6: "2001:db8::1" })];
    const services = [aService({ instances })];
    const ptr = (index: number) => ({ type: RecordType.PTR, target: `payment-${index}.${serviceName}` });
    expect(at("1.0.0.127.in-addr.arpa", services)).toEqual([ptr(0), ptr(1)]);
    const six = reverseName(Uint8Array.from([0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 1]));
    expect(at(six, services)).toEqual([ptr(1)]);
  });

  test("has no record twice where instances on one machine share an address", () => {
    const instances = [anInstance(0), anInstance(1, { ipv4: "127.0.0.1" })];
    expect(at(serviceName, [aService({ instances })])).toEqual([address(127, 0, 0, 1)]);
    expect(at(`_grpc._tcp.${serviceName}`, [aService({ instances })])).toHaveLength(2);
  });

  test("has every name above one that has records, up to the domain and no further", () => {
    const { names } = clusterRecords([aService()]);
    const above = [`_tcp.${serviceName}`, "payments.svc.cluster.local", "svc.cluster.local", "dns.cluster.local"];
    for (const name of above) expect(names.get(name)).toEqual([]);
    expect(names.has("local")).toBe(false);
    expect(names.has("0.0.127.in-addr.arpa")).toBe(false);
    expect(clusterRecords([]).names.get("svc.cluster.local")).toEqual([]);
  });

  test("has the domain's own records, of the domain, TTL and serial that it is given", () => {
    const zone = clusterRecords([], { domain: "test.internal", ttlSeconds: 9, serial: 3, nameServer: "::1" });
    const [soa, ns] = zone.names.get("test.internal") ?? [];
    expect(soa).toEqual(zone.soa);
    expect(soa).toMatchObject({
      ttlSeconds: 9,
      data: { primary: "ns.dns.test.internal", serial: 3, negativeTtlSeconds: 9 },
    });
    expect(ns).toMatchObject({ data: { type: RecordType.NS, target: "ns.dns.test.internal" } });
    expect(zone.names.get("ns.dns.test.internal")).toMatchObject([{ data: { type: RecordType.AAAA } }]);
  });

  test("has a TTL of 5 seconds on everything", () => {
    const records = [...clusterRecords([aService()]).names.values()].flat();
    expect(new Set(records.map(({ ttlSeconds }) => ttlSeconds))).toEqual(new Set([5]));
  });

  const long = "a".repeat(63);
  test.each<[string, Partial<ClusterService>, string]>([
    ["a service in capitals", { service: "Payment" }, "service"],
    ["a service with a dot", { service: "pay.ment" }, "service"],
    ["a namespace of 64 characters", { namespace: `${long}a` }, "namespace"],
    ["an empty namespace", { namespace: "" }, "namespace"],
    ["a port name of 16 characters", { portName: "a".repeat(16) }, "portName"],
    ["a port name with an underscore", { portName: "_grpc" }, "portName"],
    ["a port name without a letter, which a target could only mean as a number", { portName: "123" }, "portName"],
    ["a port name with two hyphens beside each other", { portName: "a--b" }, "portName"],
    ["a host name that ends in a hyphen", { instances: [anInstance(0, { hostname: "payment-" })] }, "hostname"],
    ["port 0", { instances: [anInstance(0, { port: 0 })] }, "port"],
    ["port 65536", { instances: [anInstance(0, { port: 65_536 })] }, "port"],
    ["half a port", { instances: [anInstance(0, { port: 1.5 })] }, "port"],
    ["an IPv4 address that is none", { instances: [anInstance(0, { ipv4: "localhost" })] }, "ipv4"],
    ["an IPv6 address in the place of IPv4", { instances: [anInstance(0, { ipv4: "::1" })] }, "ipv4"],
    ["an IPv6 address with a zone", { instances: [anInstance(0, { ipv6: "fe80::1%lo" })] }, "ipv6"],
    ["no address", { instances: [{ hostname: "payment-0", port: 1 }] }, "ipv4 and ipv6"],
  ])("refuses %s", (_, fields, option) => {
    expect(() => clusterRecords([aService(fields)])).toThrow(RangeError);
    expect(() => clusterRecords([aService(fields)])).toThrow(`: ${option} must be `);
  });

  test("takes a port name of 15 characters, with digits and single hyphens", () => {
    expect(at(`_1-a-23456789012._tcp.${serviceName}`, [aService({ portName: "1-a-23456789012" })])).toHaveLength(1);
  });

  test("takes names of 255 bytes, and none of 256", () => {
    const services = [aService({ service: long, namespace: long, instances: [anInstance(0, { hostname: long })] })];
    expect(clusterRecords(services, { domain: "a".repeat(57) }).names.size).toBeGreaterThan(5);
    expect(() => clusterRecords(services, { domain: "a".repeat(58) })).toThrow(": name must be ");
  });

  test.each<[string, object]>([
    ["domain", { domain: "cluster.local." }],
    ["domain", { domain: "" }],
    ["ttlSeconds", { ttlSeconds: -1 }],
    ["ttlSeconds", { ttlSeconds: 0.5 }],
    ["nameServer", { nameServer: "localhost" }],
  ])("refuses a %s that is out of range", (option, options) => {
    expect(() => clusterRecords([], options)).toThrow(`: ${option} must be `);
  });

  test("takes 2,000 instances", () => {
    const instances = Array.from({ length: 2_000 }, (_, index) =>
      anInstance(0, { hostname: `payment-${index}`, ipv4: `127.1.${index >> 8}.${index & 0xff}` }),
    );
    expect(at(`_grpc._tcp.${serviceName}`, [aService({ instances })])).toHaveLength(2_000);
  });
});
