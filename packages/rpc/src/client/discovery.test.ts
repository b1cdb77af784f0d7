import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { startClusterDns } from "@holdfast/discovery/dns-server/cluster-dns";
import { describe, expect, test } from "vitest";
import { ChainError, client, connect, discovery, RpcError, Status } from "../index.ts";
import { aServer } from "../testing/a-server.ts";

const TARGET = "k8s:///order-service.orders:grpc";

/** Servers that stand behind one name. Those that are `bad` answer UNAVAILABLE. */
async function cluster(all: readonly ("good" | "bad")[]) {
  const stack = new AsyncDisposableStack();
  const calls = all.map(() => 0);
  const instances = await Promise.all(
    all.map(async (kind, index) => {
      const getOrder = async () => {
        calls[index] = (calls[index] ?? 0) + 1;
        if (kind === "bad") throw new RpcError(Status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "No");
        return { order: undefined };
      };
      const { target } = stack.use(await aServer({ getOrder }));
      return { hostname: `order-${index}`, ipv4: "127.0.0.1", port: Number(target.split(":")[1]) };
    }),
  );
  const dns = stack.use(await startClusterDns());
  dns.set([{ service: "order-service", namespace: "orders", portName: "grpc", instances }]);
  const found = discovery({ resolver: { servers: [dns.server] } });
  return { calls, found, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const base = [client.context(), client.errors(), client.deadline()];

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

  test("refuses a name where nothing finds instances, and one that can never resolve", async () => {
    expect(() => connect(OrderServiceDefinition, TARGET)).toThrow(ChainError);
    const found = discovery();
    expect(() => connect(OrderServiceDefinition, "k8s:///order-service", { discovery: found })).toThrow("no port");
  });
});
