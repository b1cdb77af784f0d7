// SPDX-License-Identifier: MIT
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { type ChannelOptions, Client, connectivityState, credentials, Metadata } from "@grpc/grpc-js";
import { describe, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";
import { type Discovery, type DiscoveryOptions, discovery } from "./discovery.ts";
import { countingServer, WAIT_METHOD } from "./testing/counting-server.ts";
import { DnsFixture } from "./testing/dns-fixture.ts";
import { http2Peer, wellBehaved } from "./testing/http2-peer.ts";
import { until } from "./testing/policy-client.ts";

const TARGET = "k8s:///echo.demo:grpc";
const asIs = (bytes: Buffer): Buffer => bytes;

function clientOf(found: Discovery, options: ChannelOptions = {}, target = TARGET): Client & Disposable {
  const client = new Client(target, credentials.createInsecure(), { ...found.channelOptions(target), ...options });
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

function call(client: Client): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const deadline = Date.now() + 5_000;
  client.makeUnaryRequest(WAIT_METHOD, asIs, asIs, Buffer.from("0"), new Metadata(), { deadline }, (error) =>
    error === null ? resolve() : reject(error),
  );
  return promise;
}

/** Two servers behind one name. */
async function echo(options: DiscoveryOptions["resolver"] = {}, weights: readonly number[] = [100, 100]) {
  const stack = new AsyncDisposableStack();
  const servers = [stack.use(await countingServer()), stack.use(await countingServer())];
  const name = "echo.demo.svc.cluster.local";
  const srv = servers.map(({ port }, index) => ({
    target: `echo-${index}.${name}`,
    port,
    weight: weights[index] ?? 0,
  }));
  const hosts = srv.map(({ target }) => [target, { addresses: ["127.0.0.1"] }] as const);
  const dns = stack.use(await DnsFixture.start({ [`_grpc._tcp.${name}`]: { srv }, ...Object.fromEntries(hosts) }));
  const found = discovery({ resolver: { servers: [dns.address], intervalMs: 100, ...options } });
  return { servers, dns, found, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("discovery()", () => {
  test("finds the instances of a name and spreads calls over them, and tells so", async () => {
    await using system = await echo();
    using client = clientOf(system.found);
    await call(client);
    await until(() => system.found.targets()[0]?.endpoints.every(({ state }) => state === "slow-starting") ?? false);
    for (let i = 0; i < 20; i++) await call(client);
    for (const { counts } of system.servers) expect(counts.calls).toBeGreaterThanOrEqual(8);
    const [report] = system.found.targets();
    expect(report).toMatchObject({ target: TARGET, endpoints: [{ inFlight: 0 }, { inFlight: 0 }] });
    expect(report?.resolution?.note).toContain("_grpc._tcp.echo.demo");
  });

  test("S5: the weights of SRV records give the shares", async () => {
    await using system = await echo({}, [300, 100]);
    using client = clientOf(system.found);
    await call(client);
    await until(() => system.found.targets()[0]?.endpoints.every(({ state }) => state === "slow-starting") ?? false);
    const before = system.servers.map(({ counts }) => counts.calls);
    for (let i = 0; i < 40; i++) await call(client);
    const [first = 0, second = 0] = system.servers.map(({ counts }, i) => counts.calls - (before[i] ?? 0));
    expect(first).toBeGreaterThanOrEqual(28);
    expect(second).toBeGreaterThanOrEqual(8);
  });

  test.each([{}, { domain: "example.org", namespace: "shop" }])(
    "asks for health under the calls' name, scope %j",
    async (scope) => {
      await using peer = await http2Peer(100, wellBehaved);
      const name = `echo.demo.svc.${scope.domain ?? "cluster.local"}`;
      await using dns = await DnsFixture.start({
        [`_grpc._tcp.${name}`]: { srv: [{ target: `echo-0.${name}`, port: peer.port }] },
        [`echo-0.${name}`]: { addresses: ["127.0.0.1"] },
      });
      using client = clientOf(discovery({ resolver: { servers: [dns.address], ...scope } }));
      await call(client);
      expect([...peer.authorities]).toEqual([`/grpc.health.v1.Health/Watch ${name}`, `${WAIT_METHOD} ${name}`]);
    },
  );

  describe("with another one beside it, of another namespace", () => {
    const names = ["echo.default.svc.cluster.local", "echo.shop.svc.cluster.local"];
    const both = (servers: readonly string[]) => [
      discovery({ resolver: { servers } }),
      discovery({ resolver: { servers, namespace: "shop" } }),
    ];
    const records = (ports: readonly number[]) =>
      Object.fromEntries(
        names.flatMap((name, index) => [
          [`_grpc._tcp.${name}`, { srv: [{ target: `echo-0.${name}`, port: ports[index] ?? 0 }] }],
          [`echo-0.${name}`, { addresses: ["127.0.0.1"] }],
        ]),
      );

    test("finds, calls and asks for health under its own names", async () => {
      await using stack = new AsyncDisposableStack();
      const peers = [stack.use(await http2Peer(100, wellBehaved)), stack.use(await http2Peer(100, wellBehaved))];
      const dns = stack.use(await DnsFixture.start(records(peers.map(({ port }) => port))));
      for (const found of both([dns.address])) await call(stack.use(clientOf(found, {}, "k8s:///echo:grpc")));
      expect(peers.map(({ authorities }) => [...authorities])).toEqual(
        names.map((name) => [`/grpc.health.v1.Health/Watch ${name}`, `${WAIT_METHOD} ${name}`]),
      );
    });

    test("asks for the certificate of its own name", async () => {
      const asked: string[] = [];
      await using server = createServer({
        SNICallback: (name, done) => {
          asked.push(name);
          done(new Error("there is none"));
        },
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      await using dns = await DnsFixture.start(records([port, port]));
      for (const found of both([dns.address])) {
        const target = "k8s:///echo:grpc";
        const client = new Client(target, credentials.createSsl(), found.channelOptions(target));
        await expect(call(client)).rejects.toThrow("Cannot connect");
        client.close();
      }
      expect(new Set(asked)).toEqual(new Set(names));
    });
  });

  test("tells of the last look at the name, and that the list is an old one", async () => {
    await using system = await echo();
    using client = clientOf(system.found);
    await call(client);
    const looked = performance.now();
    system.dns.mode = "servfail";
    await until(() => system.found.targets()[0]?.resolution?.note.startsWith("list kept for ") ?? false);
    expect(system.found.targets()[0]?.resolution?.ageMs).toBeLessThan(performance.now() - looked);
    expect(system.found.targets()[0]?.endpoints).toHaveLength(2);
    await call(client);
  });

  test("says how long ago it was by its own clock, which stands still while the machine sleeps", async () => {
    await using system = await echo();
    const clock = { ...systemClock, now: () => systemClock.now() - 3_600_000 };
    const found = discovery({ resolver: { servers: [system.dns.address] } }, { clock });
    const began = clock.now();
    using client = clientOf(found);
    await call(client);
    const [report] = found.targets();
    for (const ageMs of [report?.resolution?.ageMs, ...(report?.endpoints ?? []).map(({ stateAgeMs }) => stateAgeMs)]) {
      expect(ageMs).toBeGreaterThanOrEqual(0);
      expect(ageMs).toBeLessThanOrEqual(clock.now() - began);
    }
  });

  test("forgets a channel that is closed", async () => {
    await using system = await echo();
    const client = clientOf(system.found);
    await call(client);
    client.close();
    expect(system.found.targets()).toEqual([]);
  });

  test("lists the target of a channel that it follows before its first call, while nothing is found, and until the end", async () => {
    await using system = await echo();
    const client = clientOf(system.found);
    using other = clientOf(system.found);
    for (const each of [client, other]) system.found.follow(each.getChannel());
    expect(system.found.targets()).toEqual([{ target: TARGET, endpoints: [], resolution: undefined }]);
    system.dns.mode = "servfail";
    await expect(call(client)).rejects.toThrow("Cannot resolve");
    const note = expect.stringContaining("server failure");
    expect(system.found.targets()).toMatchObject([{ target: TARGET, endpoints: [], resolution: { note } }]);
    system.dns.mode = "well";
    await until(async () => (await Promise.allSettled([call(client)]))[0].status === "fulfilled");
    expect(system.found.targets()).toMatchObject([{ target: TARGET, endpoints: [{}, {}] }]);
    other.close();
    client.close();
    expect(system.found.targets()).toEqual([]);
  });

  test("keeps no closed channel when it follows the next one", async () => {
    await using system = await echo();
    const client = clientOf(system.found);
    const channel = client.getChannel();
    system.found.follow(channel);
    client.close();
    using other = clientOf(system.found);
    system.found.follow(other.getChannel());
    const asked = vi.spyOn(channel, "getConnectivityState");
    expect(system.found.targets()).toHaveLength(1);
    expect(asked).not.toHaveBeenCalled();
  });

  test("lists the target of a channel that it follows and that rests, with the last look at the name", async () => {
    await using system = await echo();
    using client = clientOf(system.found, { "grpc.client_idle_timeout_ms": 1_000 });
    system.found.follow(client.getChannel());
    await call(client);
    await until(() => client.getChannel().getConnectivityState(false) === connectivityState.IDLE);
    const note = expect.stringContaining("_grpc._tcp.echo.demo");
    expect(system.found.targets()).toMatchObject([{ target: TARGET, endpoints: [], resolution: { note } }]);
  });

  test("tells its observers of what the policy and the resolver see", async () => {
    const seen: { kind: string; target: string }[] = [];
    await using system = await echo({ observe: (event) => seen.push(event) });
    const found = discovery({
      resolver: { servers: [system.dns.address], observe: (event) => seen.push(event) },
      observe: (event) => seen.push(event),
    });
    using client = clientOf(found);
    await call(client);
    expect(new Set(seen.map(({ kind }) => kind))).toEqual(new Set(["resolved", "list", "state"]));
    expect(new Set(seen.map(({ target }) => target))).toEqual(new Set([TARGET]));
  });

  test.each([
    ["a setting of the policy that is out of range", { policy: { silenceMs: 1 } }, "silenceMs"],
    ["a setting of the policy that there is not", { policy: { silence: 1 } as never }, "silence"],
    ["a setting of the resolver that there is not", { resolver: { interval: 1 } as never }, "interval"],
    ["a setting of the resolver that is out of range", { resolver: { intervalMs: 1 } }, "intervalMs"],
  ])("refuses %s", (_, options, name) => {
    expect(() => discovery(options)).toThrow(name);
  });
});
