// SPDX-License-Identifier: MIT
import { experimental, status } from "@grpc/grpc-js";
import { beforeAll, describe, expect, test } from "vitest";
import { backends } from "../testing/backend.ts";
import { EndpointList } from "../testing/list-resolver.ts";
import { EchoClient, failures, type Outcome, share } from "../testing/load.ts";
import { policyClient, until } from "../testing/policy-client.ts";
import { tcpProxy } from "../testing/tcp-proxy.ts";
import { AVOID, registerHoldfastPolicy, WEIGHTS_KEY } from "./holdfast-policy.ts";

beforeAll(() => registerHoldfastPolicy());

const addressesOf = (servers: readonly { address: string }[]): string[] => servers.map(({ address }) => address);

async function calls(echo: EchoClient, count: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let i = 0; i < count; i++) outcomes.push(await echo.call());
  return outcomes;
}

describe("holdfast", () => {
  test("spreads calls evenly over all endpoints, one connection each", async () => {
    await using servers = await backends(3);
    using client = policyClient(addressesOf(servers));
    await client.ready();
    const outcomes = await calls(client.echo, 150);
    expect(failures(outcomes)).toEqual([]);
    for (const { port } of servers) {
      expect(share(outcomes, port)).toBeGreaterThan(0.8 / 3);
      expect(share(outcomes, port)).toBeLessThan(1.2 / 3);
    }
  });

  test("S2: keeps what works when the resolver has an error or nothing", async () => {
    await using servers = await backends(2);
    using client = policyClient(addressesOf(servers));
    await client.ready();
    client.list.set([]);
    client.list.fail("SERVFAIL");
    const outcomes = await calls(client.echo, 50);
    expect(failures(outcomes)).toEqual([]);
    expect(client.endpoints()).toHaveLength(2);
    expect(client.events).toContainEqual({ kind: "list-kept", reason: "the list is empty" });
    expect(client.events).toContainEqual({ kind: "list-kept", reason: "SERVFAIL" });
    expect(client.reports.list()[0]?.resolution?.note).toBe("SERVFAIL");
  });

  test("S2: without a first list, says what the resolver said; the first good one is used at once", async () => {
    await using servers = await backends(1);
    using client = policyClient(undefined);
    const waiting = client.echo.call();
    await until(() => client.list.resolutions > 0);
    client.list.fail("no such name");
    expect(await waiting).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining("no such name") });
    client.list.set(addressesOf(servers));
    await client.ready();
    expect(await client.echo.call()).toMatchObject({ code: 0 });
  });

  test("S6: an endpoint that leaves the list gets no new calls, and those in flight finish", async () => {
    await using servers = await backends(2, { delayMs: 300 });
    using client = policyClient(addressesOf(servers));
    await client.ready();
    const [kept, left] = servers;
    const inFlight = Array.from({ length: 10 }, async () => client.echo.call(3_000));
    await until(() => client.endpoints().every((each) => each.inFlight === 5));
    client.list.set([kept?.address ?? ""]);
    const later = await Promise.all(Array.from({ length: 10 }, async () => client.echo.call(3_000)));
    const earlier = await Promise.all(inFlight);
    expect(failures([...earlier, ...later])).toEqual([]);
    expect(share(earlier, left?.port ?? 0)).toBe(0.5);
    expect(share(later, left?.port ?? 0)).toBe(0);
    expect(client.endpoints()).toHaveLength(1);
    // Nothing of it goes on: its health is no longer watched.
    await until(async () => (await left?.watchers()) === 0);
  });

  test("S6: a list that flaps 40 times in a second costs no call, and no connection to those that stay", async () => {
    await using servers = await backends(3);
    await using proxies = new AsyncDisposableStack();
    const proxied = await Promise.all(servers.map(async ({ port }) => proxies.use(await tcpProxy(port))));
    const all = addressesOf(proxied);
    using client = policyClient(all);
    await client.ready();
    const load = client.echo.openLoop(200, 1_200);
    for (let i = 0; i < 40; i++) {
      client.list.set(i % 2 === 0 ? all.slice(0, 2) : all);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    expect(failures(await load)).toEqual([]);
    // The third has left and come back within what grpc-js keeps of unused connections.
    expect(proxied.map(({ accepted }) => accepted)).toEqual([1, 1, 1]);
  });

  test("S1: asks for the names again when a connection is lost, and reconnects at once", async () => {
    await using servers = await backends(1);
    await using proxy = await tcpProxy(servers[0]?.port);
    using client = policyClient([proxy.address]);
    await client.ready();
    const before = client.list.resolutions;
    proxy.drop();
    await until(() => client.list.resolutions > before && proxy.accepted === 2);
    expect(await client.echo.call()).toMatchObject({ code: 0 });
  });

  test.each([
    ["says that it does not serve", { health: 2 }],
    ["refuses a call because it drains", { code: status.UNAVAILABLE, reason: "DRAINING" }],
  ])("S1: asks for the names again when an endpoint %s", async (_, behaviour) => {
    await using servers = await backends(2);
    using client = policyClient(addressesOf(servers));
    await client.ready();
    const before = client.list.resolutions;
    await servers[0]?.set(behaviour);
    await until(async () => {
      await client.echo.call();
      return client.list.resolutions > before;
    });
    expect(client.list.resolutions).toBeGreaterThan(before);
  });

  test("S6, S7: a new endpoint has its even share of a light load within a second", async () => {
    await using servers = await backends(3);
    using client = policyClient([servers[0]?.address ?? ""]);
    await client.ready();
    await calls(client.echo, 100);
    client.list.set(addressesOf(servers));
    const outcomes = await client.echo.openLoop(100, 2_500);
    expect(failures(outcomes)).toEqual([]);
    for (const { port } of servers) {
      expect(share(outcomes, port, 1_000)).toBeGreaterThan(0.8 / 3);
      expect(share(outcomes, port, 1_000)).toBeLessThan(1.2 / 3);
    }
    expect(client.endpoints().map(({ state }) => state)).toContain("slow-starting");
  });

  test("S4: the addresses of one endpoint are one endpoint, and the one that answers is used", async () => {
    await using servers = await backends(2);
    const [a, b] = addressesOf(servers);
    using client = policyClient([`127.0.0.1:1,${a}`, `${b}`]);
    await client.ready();
    const outcomes = await calls(client.echo, 40);
    expect(share(outcomes, servers[0]?.port ?? 0)).toBeCloseTo(0.5, 1);
    // The same endpoint, its addresses in another order.
    client.list.set([`${a},127.0.0.1:1`, `${b}`]);
    expect(client.events.filter(({ kind }) => kind === "list")).toHaveLength(1);
  });

  test("S5: gives the name service's weights their share", async () => {
    await using servers = await backends(2);
    const [light, heavy] = addressesOf(servers) as [string, string];
    using client = policyClient(undefined);
    client.list.set([light, heavy], {
      [WEIGHTS_KEY]: new Map([
        [light, 10],
        [heavy, 30],
      ]),
    });
    await client.ready();
    const outcomes = await calls(client.echo, 80);
    expect(share(outcomes, servers[1]?.port ?? 0)).toBeCloseTo(0.75, 1);
  });

  test("S8: connects to a subset of the list only, the same for the same client", async () => {
    await using servers = await backends(4);
    const chosen: string[][] = [];
    for (const clientId of ["pod-1", "pod-1", "pod-2", "pod-3", "pod-4"]) {
      using client = policyClient(addressesOf(servers), { subsetSize: 2 }, { clientId });
      await client.ready();
      await calls(client.echo, 4);
      chosen.push(client.endpoints().map(({ address }) => address));
    }
    expect(chosen.every((each) => each.length === 2)).toBe(true);
    expect(chosen[0]).toEqual(chosen[1]);
    expect(new Set(chosen.map(String)).size).toBeGreaterThan(1);
  });

  test("avoids the hosts that a pick says it has tried, as long as there is another one", async () => {
    await using servers = await backends(3);
    const [a, b, c] = addressesOf(servers) as [string, string, string];
    using client = policyClient(undefined);
    const select = (avoid: string) => ({
      [experimental.CHANNEL_ARGS_CONFIG_SELECTOR_KEY]: {
        invoke: () => ({
          methodConfig: { name: [] },
          pickInformation: { [AVOID]: avoid },
          status: status.OK,
          dynamicFilterFactories: [],
        }),
        unref: () => undefined,
      },
    });
    client.list.set([a, b, c], select(`${a},${b}`));
    await client.ready();
    const outcomes = await calls(client.echo, 10);
    expect(share(outcomes, servers[2]?.port ?? 0)).toBe(1);
    client.list.set([a, b, c], select(`${a},${b},${c}`));
    await new Promise((resolve) => process.nextTick(resolve));
    expect(failures(await calls(client.echo, 10))).toEqual([]);
  });

  test("a mistake in the settings fails every call and says so; it never means pick_first", async () => {
    await using servers = await backends(2);
    const list = new EndpointList(addressesOf(servers));
    const loadBalancingConfig = [{ holdfast: { slowStartMs: "10s" } }, { pick_first: {} }];
    using echo = new EchoClient(list.target, { "grpc.service_config": JSON.stringify({ loadBalancingConfig }) });
    expect(await echo.call()).toMatchObject({
      code: status.INTERNAL,
      details: expect.stringContaining("slowStartMs must be a number"),
    });
  });

  test("reports each endpoint's state, calls and share, and the last resolution", async () => {
    await using servers = await backends(2);
    const began = performance.now();
    using client = policyClient([...addressesOf(servers), "127.0.0.1:1"]);
    await client.echo.call();
    await until(() => client.stateOf("127.0.0.1:1") === "failing");
    const failing = performance.now();
    await calls(client.echo, 20);
    const leastAgeMs = performance.now() - failing;
    const [report] = client.reports.list();
    expect(report).toMatchObject({ target: "test", resolution: { ageMs: expect.any(Number) } });
    const now = performance.now();
    expect(report?.resolution?.ageMs).toBeGreaterThanOrEqual(leastAgeMs);
    expect(report?.resolution?.ageMs).toBeLessThanOrEqual(now - began);
    expect(report?.endpoints.reduce((sum, each) => sum + each.calls, 0)).toBe(21);
    expect(report?.endpoints.reduce((sum, each) => sum + each.share, 0)).toBeCloseTo(1);
    const dead = report?.endpoints.find(({ address }) => address === "127.0.0.1:1");
    expect(dead?.stateAgeMs).toBeLessThanOrEqual(now - began);
    expect(dead).toMatchObject({ calls: 0, inFlight: 0, error: expect.stringContaining("ECONNREFUSED") });
    client.echo.client.close();
    expect(client.reports.list()).toEqual([]);
  });
});
