import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { startClusterDns } from "@holdfast/discovery/dns-server/cluster-dns";
import { tcpProxy } from "@holdfast/discovery/testing/tcp-proxy";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { ChainError, client, connect, discovery, RpcError, Status } from "../index.ts";
import { aServer } from "../testing/a-server.ts";

const TARGET = "k8s:///order-service.orders:grpc";

/** Servers that stand behind one name. Those that are `bad` answer UNAVAILABLE. */
async function cluster(all: readonly ("good" | "bad")[]) {
  const stack = new AsyncDisposableStack();
  const calls = all.map(() => 0);
  const line = {
    delayMs: 0,
    /** Nobody answers before this. */
    until: Promise.resolve(),
    cut: (index: number) => proxies[index]?.cut(),
    drop: (index: number) => proxies[index]?.drop(),
  };
  const proxies = await Promise.all(
    all.map(async (kind, index) => {
      const getOrder = async () => {
        calls[index] = (calls[index] ?? 0) + 1;
        await line.until;
        await setTimeout(line.delayMs);
        if (kind === "bad") throw new RpcError(Status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "No");
        return { order: undefined };
      };
      const { port } = stack.use(await aServer({ getOrder, cancelOrder: getOrder }));
      return stack.use(await tcpProxy(port));
    }),
  );
  const instances = proxies.map(({ port }, index) => ({ hostname: `order-${index}`, ipv4: "127.0.0.1", port }));
  const dns = stack.use(await startClusterDns());
  dns.set([{ service: "order-service", namespace: "orders", portName: "grpc", instances }]);
  const found = discovery({ resolver: { servers: [dns.server] } });
  return { calls, line, found, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const base = [client.context(), client.errors(), client.deadline()];

/** What a service calls others through, and what its breaker and its limit do. */
function guarded() {
  const seen: string[] = [];
  const breaker = client.breaker({ observe: ({ kind, state }) => void seen.push(`${kind} ${state}`) });
  const limit = client.concurrencyLimit({ limit: 100, observe: ({ kind }) => void seen.push(kind) });
  return { chain: [...base, client.retry({ commitOn: "message" }), breaker, limit], seen };
}

describe("connect() with discovery", () => {
  test("finds the instances of a name, and gives each its share", async () => {
    await using all = await cluster(["good", "good", "good"]);
    using orders = connect(OrderServiceDefinition, TARGET, { chain: base, discovery: all.found });
    for (let i = 0; i < 60; i += 1) await orders.getOrder({ orderId: "ord_1" });
    for (const count of all.calls) expect(count).toBeGreaterThanOrEqual(10);
    const [report] = all.found.targets();
    expect(report).toMatchObject({ target: TARGET, endpoints: [{ inFlight: 0 }, { inFlight: 0 }, { inFlight: 0 }] });
    expect(report?.endpoints.reduce((sum, { calls }) => sum + calls, 0)).toBe(60);
  });

  test("R18: sends a retry to an instance that the call has not tried, however much the other one offers itself", async () => {
    await using all = await cluster(["bad", "good"]);
    const chain = [...base, client.retry({ maxAttempts: 2, baseDelayMs: 1 })];
    using orders = connect(OrderServiceDefinition, TARGET, { chain, discovery: all.found });
    for (let i = 0; i < 20; i += 1) await expect(orders.getOrder({ orderId: "ord_1" })).resolves.toBeDefined();
    expect(all.calls[0]).toBeGreaterThan(0);
  });

  test("H3: asks the instance that has the call no second time while the other one is silent", async () => {
    await using all = await cluster(["good", "good"]);
    const chain = [...base, client.hedging({ maxAttempts: 2, delayMs: 20 })];
    using orders = connect(OrderServiceDefinition, TARGET, { chain, discovery: all.found });
    const get = async () => orders.getOrder({ orderId: "ord_1" });
    await vi.waitFor(async () => {
      await get();
      expect(all.calls).not.toContain(0);
    });
    all.line.cut(1);
    // Not hedged: one of them hangs for long enough to be noticed.
    const ended = new AbortController();
    const hanging = [1, 2, 3].map(async () => orders.cancelOrder({ orderId: "ord_1" }, { signal: ended.signal }));
    const states = () => all.found.targets()[0]?.endpoints.map(({ state }) => state);
    await vi.waitFor(() => expect(states()).toContain("silent"), { timeout: 5_000 });
    ended.abort();
    await Promise.allSettled(hanging);
    const [before = 0] = all.calls;
    // Longer than the time after which another instance would be asked.
    all.line.delayMs = 100;
    await Promise.all(Array.from({ length: 20 }, get));
    expect(all.calls[0]).toBe(before + 20);
  });

  test("B10: an instance that dies with many calls under way opens no circuit: a retry of each finds the other", async () => {
    await using all = await cluster(["good", "good"]);
    const { chain, seen } = guarded();
    using orders = connect(OrderServiceDefinition, TARGET, { chain, discovery: all.found });
    const get = async () => orders.getOrder({ orderId: "ord_1" });
    const total = () => all.calls.reduce((sum, calls) => sum + calls, 0);
    for (let i = 0; i < 100; i += 1) await get();
    expect(all.calls).not.toContain(0);
    const dropped = Promise.withResolvers<void>();
    all.line.until = dropped.promise;
    const before = total();
    const results = Array.from({ length: 80 }, get);
    await vi.waitFor(() => expect(total()).toBe(before + 80), { interval: 10 });
    all.line.drop(1);
    dropped.resolve();
    await Promise.all(results);
    expect(seen).toEqual([]);
    // Otherwise nothing would have been sent again.
    expect(total()).toBeGreaterThanOrEqual(before + 80 + 30);
  });

  test.each([0, 400])(
    "B10: of two instances one that fails opens no circuit, each call taking %i ms",
    async (delayMs) => {
      await using all = await cluster(["bad", "good"]);
      const { chain, seen } = guarded();
      using orders = connect(OrderServiceDefinition, TARGET, { chain, discovery: all.found });
      all.line.delayMs = delayMs;
      const results: Promise<unknown>[] = [];
      // From nothing: no success from before speaks for the target.
      for (let i = 0; i < 120; i += 1) {
        results.push(Promise.allSettled([orders.getOrder({ orderId: "ord_1" })]));
        await setTimeout(10);
      }
      await Promise.allSettled(results);
      expect(seen).toEqual([]);
      expect(all.calls[0]).toBeGreaterThan(0);
    },
  );

  test.each([500, 1_500])(
    "gives up a connection that does not come to be after connectTimeoutMs: %i",
    async (limit) => {
      await using mute = await tcpProxy();
      await using dns = await startClusterDns();
      const instances = [{ hostname: "order-0", ipv4: "127.0.0.1", port: mute.port }];
      dns.set([{ service: "order-service", namespace: "orders", portName: "grpc", instances }]);
      const found = discovery({ resolver: { servers: [dns.server] }, policy: { connectTimeoutMs: limit } });
      using orders = connect(OrderServiceDefinition, TARGET, { chain: base, discovery: found });
      const since = performance.now();
      await expect(orders.getOrder({ orderId: "ord_1" })).rejects.toMatchObject({ code: Status.UNAVAILABLE });
      expect(performance.now() - since).toBeGreaterThan(0.9 * limit);
      expect(performance.now() - since).toBeLessThan(limit + 1_000);
    },
  );

  test("its discovery lists the target from the first moment to the last", () => {
    const found = discovery();
    const orders = connect(OrderServiceDefinition, TARGET, { discovery: found });
    expect(found.targets()).toEqual([{ target: TARGET, endpoints: [], resolution: undefined }]);
    orders[Symbol.dispose]();
    expect(found.targets()).toEqual([]);
  });

  test("refuses a name where nothing finds instances, and one that can never resolve", async () => {
    expect(() => connect(OrderServiceDefinition, TARGET)).toThrow(ChainError);
    const found = discovery();
    expect(() => connect(OrderServiceDefinition, "k8s:///order-service", { discovery: found })).toThrow("no port");
  });
});
