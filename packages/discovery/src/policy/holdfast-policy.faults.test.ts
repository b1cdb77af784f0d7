// SPDX-License-Identifier: MIT
import { status } from "@grpc/grpc-js";
import { beforeAll, describe, expect, test } from "vitest";
import { Backend, backends } from "../testing/backend.ts";
import { type EchoClient, failures, type Outcome, share } from "../testing/load.ts";
import { policyClient, until } from "../testing/policy-client.ts";
import { tcpProxy } from "../testing/tcp-proxy.ts";
import { registerHoldfastPolicy } from "./holdfast-policy.ts";

beforeAll(() => registerHoldfastPolicy());

const addressesOf = (servers: readonly { address: string }[]): string[] => servers.map(({ address }) => address);
/** Some calls, three at a time. */
async function burst(echo: EchoClient, count = 90): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const caller = async (): Promise<void> => {
    while (outcomes.length < count) outcomes.push(await echo.call(3_000));
  };
  await Promise.all([caller(), caller(), caller()]);
  return outcomes;
}

/** Several endpoints, of which the first is about to have a problem. */
async function fleet(count: number, settings: Parameters<typeof policyClient>[1] = {}) {
  const stack = new AsyncDisposableStack();
  const servers = stack.use(await backends(count));
  const client = stack.use(policyClient(addressesOf(servers), { slowStartMs: 0, ...settings }));
  await client.ready();
  const [bad] = servers;
  if (bad === undefined) throw new Error("No server");
  return {
    servers,
    client,
    bad,
    stack,
    state: () => client.stateOf(bad.address),
    badShare: async () => share(await burst(client.echo), bad.port),
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
}

describe.each([2, 3])("holdfast, one of %i endpoints", (count) => {
  /** Of its even share: chance has some of it. */
  const back = 0.6 / count;

  test("killed: only calls that were on its connection fail; it is back when it is up again", async () => {
    await using all = await fleet(count);
    const { bad, client } = all;
    const load = burst(client.echo, 300);
    await bad.kill();
    expect(failures(await load).every(({ port }) => port === bad.port)).toBe(true);
    expect(failures(await burst(client.echo))).toEqual([]);
    all.stack.use(await Backend.start({ port: bad.port }));
    await until(async () => (await all.badShare()) > back);
  });

  test("frozen: no call more once it is silent, back when it answers", async () => {
    await using all = await fleet(count);
    const { bad, client, state } = all;
    const load = burst(client.echo, 3_000);
    bad.freeze();
    await until(() => state() === "silent");
    expect(await all.badShare()).toBe(0);
    bad.thaw();
    await until(async () => (await all.badShare()) > back);
    expect(failures(await load).length).toBeLessThanOrEqual(3);
  });

  test("S9: answers UNAVAILABLE to everything: ejected, but for trials; back after one that succeeds", async () => {
    await using all = await fleet(count);
    const { bad, client, state } = all;
    await bad.set({ code: status.UNAVAILABLE });
    await burst(client.echo);
    expect(state()).toBe("ejected");
    const before = await bad.calls();
    const start = performance.now();
    await burst(client.echo, 300);
    // At most one per 0.8 s, and one that had begun before.
    expect((await bad.calls()) - before).toBeLessThanOrEqual(2 + (performance.now() - start) / 800);
    await bad.set({ code: 0 });
    await until(async () => (await all.badShare()) > back);
    expect(state()).not.toBe("ejected");
  });

  test("slow, with three calls in flight: at most a tenth of them; back once it is not", async () => {
    await using all = await fleet(count);
    await all.bad.set({ delayMs: 1_000 });
    expect(share(await all.client.echo.closedLoop(3, 2_500, 5_000), all.bad.port)).toBeLessThan(0.1);
    await all.bad.set({ delayMs: 0 });
    await until(async () => (await all.badShare()) > back);
  });

  test("says NOT_SERVING: no call more; back when it says otherwise", async () => {
    await using all = await fleet(count);
    const { bad, state } = all;
    await bad.set({ health: 2 });
    await until(() => state() === "not-serving");
    expect(await all.badShare()).toBe(0);
    await bad.set({ health: 1 });
    await until(async () => (await all.badShare()) > back);
  });

  test("answers that it drains: no call more, without an ejection, until its health says that it serves", async () => {
    await using all = await fleet(count);
    const { bad, client, state } = all;
    await bad.set({ code: status.UNAVAILABLE, reason: "DRAINING" });
    const outcomes = await burst(client.echo);
    // Those that were under way when the first of them ended.
    expect(failures(outcomes).length).toBeLessThanOrEqual(3);
    expect(state()).toBe("draining");
    expect(client.endpoints().map(({ ejections }) => ejections)).toEqual(Array(count).fill(0));
    await bad.set({ code: 0, health: 1 });
    await until(() => state() !== "draining", 3_000);
  });
});

describe("holdfast", () => {
  test("fails open: two endpoints that both say NOT_SERVING get calls all the same", async () => {
    await using servers = await backends(2);
    using client = policyClient(addressesOf(servers));
    await client.ready();
    await Promise.all(servers.map(async (server) => server.set({ health: 2 })));
    await until(() => client.endpoints().every(({ state }) => state === "not-serving"));
    expect(await client.echo.call()).toMatchObject({ code: 0 });
  });

  test("S9: a failure of the caller's ejects nobody", async () => {
    await using servers = await backends(2);
    using client = policyClient(addressesOf(servers));
    await client.ready();
    await servers[0]?.set({ code: status.NOT_FOUND });
    const outcomes = await burst(client.echo, 200);
    expect(share(outcomes, servers[0]?.port ?? 0)).toBeGreaterThan(0.3);
    expect(client.endpoints().map(({ ejections }) => ejections)).toEqual([0, 0]);
  });

  test("a server without health is well", async () => {
    await using servers = await backends(2, { health: false });
    using client = policyClient(addressesOf(servers));
    await client.ready();
    const outcomes = await burst(client.echo, 200);
    expect(failures(outcomes)).toEqual([]);
    expect(share(outcomes, servers[0]?.port ?? 0)).toBeGreaterThan(0.3);
  });

  test("a connection that is cut without a word is replaced by a new one as soon as one can be had", {
    timeout: 40_000,
  }, async () => {
    await using servers = await backends(2);
    await using proxy = await tcpProxy(servers[0]?.port);
    using client = policyClient([proxy.address, servers[1]?.address ?? ""], { connectTimeoutMs: 500, slowStartMs: 0 });
    await client.ready();
    proxy.cut();
    const load = burst(client.echo, 500);
    await until(() => client.stateOf(proxy.address) === "silent");
    proxy.heal();
    await until(async () => share(await burst(client.echo), proxy.port) > 0.3, 20_000);
    await load;
    // Attempts that came to nothing are closed; the pool keeps what was cut for up to ten seconds more.
    expect(proxy.open).toBeLessThanOrEqual(2);
  });

  test("a peer that accepts and stays silent holds no call, nor a connection for longer than the timeout", async () => {
    await using servers = await backends(1);
    await using peer = await tcpProxy();
    using client = policyClient([peer.address, servers[0]?.address ?? ""], { connectTimeoutMs: 300 });
    const load = client.echo.closedLoop(3, 1_000, 5_000);
    await until(() => peer.accepted >= 3);
    expect(failures(await load)).toEqual([]);
    expect(client.stateOf(peer.address)).toBe("failing");
    expect(peer.open).toBeLessThanOrEqual(1);
  });

  test("nothing but peers that stay silent: calls fail once the timeout is over, and say why", async () => {
    await using peer = await tcpProxy();
    using client = policyClient([peer.address], { connectTimeoutMs: 300 });
    expect(await client.echo.call(5_000)).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining(`${peer.address}: no HTTP/2 connection`),
    });
  });

  test("stalls of this process make nobody silent", async () => {
    await using servers = await backends(2, { delayMs: 100 });
    using client = policyClient(addressesOf(servers));
    await client.ready();
    const load = client.echo.closedLoop(20, 1_000, 8_000);
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Each time, the timers run before what has come in meanwhile is read.
    for (let i = 0; i < 6; i++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 350);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await load;
    expect(client.events.filter((event) => event.kind === "state" && event.to === "silent")).toEqual([]);
  });
});
