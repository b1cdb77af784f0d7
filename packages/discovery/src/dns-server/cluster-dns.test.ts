// SPDX-License-Identifier: MIT
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aQuery, type QueryFields, type ReadResponse, readResponse } from "../testing/dns-wire.ts";
import { FrameClient } from "../testing/frame-client.ts";
import { type ClusterDns, type ClusterDnsEvent, type ClusterDnsOptions, startClusterDns } from "./cluster-dns.ts";
import type { ClusterService } from "./cluster-records.ts";
import { Rcode, RecordType } from "./message.ts";

const serviceName = "payment.payments.svc.cluster.local";

/** That many instances of the payment service. */
function payments(count: number): ClusterService[] {
  const instances = Array.from({ length: count }, (_, index) => {
    return { hostname: `payment-${index}`, ipv4: `127.0.${index >> 8}.${index & 0xff}`, port: 50_000 + index };
  });
  return [{ service: "payment", namespace: "payments", portName: "grpc", instances }];
}

/** The server, what it told, and a client of another make. */
async function started(options: ClusterDnsOptions = {}, services = payments(2)) {
  const events: ClusterDnsEvent[] = [];
  const dns = await startClusterDns({ observe: (event) => events.push(event), ...options });
  dns.set(services);
  const resolver = new Resolver({ timeout: 5_000, tries: 1 });
  resolver.setServers([dns.server]);
  return { dns, events, resolver, [Symbol.asyncDispose]: () => dns[Symbol.asyncDispose]() };
}

/** Sends these datagrams, and gives the first response. */
async function overUdp({ host, port }: ClusterDns, ...messages: Uint8Array[]): Promise<ReadResponse> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    const answered = once(socket, "message");
    for (const message of messages) socket.send(message, port, host);
    const [response] = (await answered) as [Buffer];
    return readResponse(response);
  } finally {
    socket.close();
  }
}

/** The same over TCP. */
async function overTcp(dns: ClusterDns, ...messages: Uint8Array[]): Promise<ReadResponse | undefined> {
  using client = new FrameClient(dns);
  const response = await client.send(...messages).next();
  return response && readResponse(response);
}

const srvQuery = (fields: QueryFields = {}) =>
  aQuery({ name: `_grpc._tcp.${serviceName}`, type: RecordType.SRV, ...fields });

describe("startClusterDns()", () => {
  test("answers node's resolver for every type of record", async () => {
    const services = payments(2);
    const [service] = services;
    const instances = (service?.instances ?? []).map((each, index) => ({ ...each, ipv6: `2001:db8::${index + 1}` }));
    await using server = await started({}, [{ ...(service as ClusterService), instances }]);
    const { resolver } = server;
    expect(await resolver.resolve4(serviceName, { ttl: true })).toEqual([
      { address: "127.0.0.0", ttl: 5 },
      { address: "127.0.0.1", ttl: 5 },
    ]);
    expect(await resolver.resolve6(`payment-1.${serviceName}`)).toEqual(["2001:db8::2"]);
    expect(await resolver.resolveSrv(`_grpc._tcp.${serviceName}`)).toMatchObject([
      { name: `payment-0.${serviceName}`, port: 50_000, priority: 0, weight: 100 },
      { name: `payment-1.${serviceName}`, port: 50_001, priority: 0, weight: 100 },
    ]);
    expect(await resolver.resolvePtr("1.0.0.127.in-addr.arpa")).toEqual([`payment-1.${serviceName}`]);
    expect(await resolver.resolveTxt("dns-version.cluster.local")).toEqual([["1.1.0"]]);
    expect(await resolver.resolveNs("cluster.local")).toEqual(["ns.dns.cluster.local"]);
    expect(await resolver.resolveSoa("cluster.local")).toMatchObject({ nsname: "ns.dns.cluster.local", serial: 2 });
  });

  test("tells node's resolver apart what is not there, what has no such record and what is not its own", async () => {
    await using server = await started();
    const { resolver } = server;
    await expect(resolver.resolve4("refund.payments.svc.cluster.local")).rejects.toMatchObject({ code: "ENOTFOUND" });
    await expect(resolver.resolve6(serviceName)).rejects.toMatchObject({ code: "ENODATA" });
    await expect(resolver.resolve4("example.com")).rejects.toMatchObject({ code: "EREFUSED" });
  });

  test("takes upper-case for lower-case, and gives the question back as it was written", async () => {
    await using server = await started();
    const name = "PayMent.PAYMENTS.svc.Cluster.Local";
    const response = await overUdp(server.dns, aQuery({ name }));
    expect(response).toMatchObject({ question: { name }, answers: [{ name }, { name }] });
  });

  test("answers by what it has been told last, from the next query on", async () => {
    await using server = await started();
    const { dns, resolver } = server;
    for (const count of [3, 1, 500, 2]) {
      dns.set(payments(count));
      expect(await resolver.resolveSrv(`_grpc._tcp.${serviceName}`)).toHaveLength(count);
    }
    dns.set(payments(0));
    await expect(resolver.resolve4(serviceName)).rejects.toMatchObject({ code: "ENOTFOUND" });
    expect(await resolver.resolveSoa("cluster.local")).toMatchObject({ serial: 7 });
  });

  test("keeps what it has if it is told what cannot be", async () => {
    await using server = await started();
    expect(() => server.dns.set([...payments(3), ...payments(0).map((each) => ({ ...each, service: "_" }))])).toThrow(
      RangeError,
    );
    expect(await server.resolver.resolve4(serviceName)).toHaveLength(2);
  });

  test("truncates over UDP what it says in full over TCP", async () => {
    await using server = await started({}, payments(300));
    const plain = await overUdp(server.dns, srvQuery());
    expect(plain).toMatchObject({ truncated: true, additional: [] });
    const edns = await overUdp(server.dns, srvQuery({ udpBytes: 4_096 }));
    expect(edns.truncated).toBe(true);
    expect(edns.answers.length).toBeGreaterThan(plain.answers.length);
    const full = await overTcp(server.dns, srvQuery());
    expect(full).toMatchObject({ truncated: false });
    expect(full?.answers).toHaveLength(300);
    expect(full?.additional).toHaveLength(300);
    expect(await server.resolver.resolveSrv(`_grpc._tcp.${serviceName}`)).toHaveLength(300);
  });

  test("serves another domain on another address of the loopback interface", async () => {
    await using server = await started({ host: "127.0.0.2", domain: "test.internal" });
    expect(server.dns.server).toBe(`127.0.0.2:${server.dns.port}`);
    expect(await server.resolver.resolve4("payment.payments.svc.test.internal")).toHaveLength(2);
    await expect(server.resolver.resolve4(serviceName)).rejects.toMatchObject({ code: "EREFUSED" });
    expect(await server.resolver.resolve4("ns.dns.test.internal")).toEqual(["127.0.0.2"]);
  });

  test("serves IPv6", async () => {
    await using server = await started({ host: "::1" });
    expect(server.dns.server).toBe(`[::1]:${server.dns.port}`);
    expect(await server.resolver.resolve4(serviceName)).toHaveLength(2);
    expect(await overTcp(server.dns, srvQuery())).toMatchObject({ rcode: Rcode.NoError });
  });

  test("tells what it answered", async () => {
    await using server = await started();
    await overUdp(server.dns, Buffer.from("?"), aQuery({ questions: 0 }));
    await overUdp(server.dns, srvQuery());
    expect(server.events).toEqual([
      { kind: "ignored", transport: "udp" },
      { kind: "failed", transport: "udp", rcode: Rcode.FormatError },
      {
        kind: "answered",
        transport: "udp",
        name: `_grpc._tcp.${serviceName}`,
        type: RecordType.SRV,
        rcode: Rcode.NoError,
      },
    ]);
  });

  test("rejects when the port is taken for TCP or for UDP, and holds nothing of it then", async () => {
    const tcp = createServer().listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const { port } = tcp.address() as AddressInfo;
    await expect(startClusterDns({ port })).rejects.toMatchObject({ code: "EADDRINUSE", port });
    tcp.close();
    await once(tcp, "close");

    const udp = createSocket("udp4").bind(port, "127.0.0.1");
    await once(udp, "listening");
    await expect(startClusterDns({ port })).rejects.toMatchObject({ code: "EADDRINUSE", port });
    udp.close();
    await once(udp, "close");
    await using server = await started({ port });
    expect(server.dns.port).toBe(port);
  });

  test.each<[keyof ClusterDnsOptions, ClusterDnsOptions]>([
    ["host", { host: "0.0.0.0" }],
    ["host", { host: "127.evil.example" }],
    ["host", { host: "localhost" }],
    ["port", { port: 65_536 }],
    ["port", { port: -1 }],
    ["maxTcpConnections", { maxTcpConnections: 0 }],
    ["tcpIdleTimeoutMs", { tcpIdleTimeoutMs: 0 }],
    ["tcpIdleTimeoutMs", { tcpIdleTimeoutMs: Infinity }],
    ["domain", { domain: "a..b" }],
    ["ttlSeconds", { ttlSeconds: -1 }],
  ])("refuses a %s that is out of range: %j", async (option, options) => {
    await expect(startClusterDns(options)).rejects.toThrow(RangeError);
    await expect(startClusterDns(options)).rejects.toThrow(`: ${option} must be `);
  });

  test("gives its port free and ends every connection when it is disposed of, once or twice", async () => {
    const { dns } = await started();
    using client = new FrameClient(dns);
    await client.send(srvQuery()).next();
    await Promise.all([dns[Symbol.asyncDispose](), dns[Symbol.asyncDispose]()]);
    expect(await client.next()).toBeUndefined();
    await dns[Symbol.asyncDispose]();
    await using again = await started({ port: dns.port });
    expect(await again.resolver.resolve4(serviceName)).toHaveLength(2);
  });
});

describe("startClusterDns(), sent what is no query", () => {
  test("survives any datagram and any frame", async () => {
    await using server = await started();
    const mutated = fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 5 }).map((changes) => {
      const query = srvQuery({ udpBytes: 1_232 });
      for (const [at, byte] of changes) query[at] = byte;
      return query;
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 1_500 }), mutated), async (bytes) => {
        // What it says to these bytes, if anything, can be read, or else the proper query behind them is answered.
        expect(await overUdp(server.dns, bytes, srvQuery())).toHaveProperty("rcode");
        await overTcp(server.dns, bytes, srvQuery());
      }),
      { numRuns: 300 },
    );
    expect(await server.resolver.resolve4(serviceName)).toHaveLength(2);
  });

  test("never answers a response, so that two servers do not talk to each other for ever", async () => {
    await using server = await started();
    const response = await overUdp(server.dns, aQuery({ flags: 0x8180, id: 1 }), aQuery({ id: 2 }));
    expect(response.id).toBe(2);
  });
});
