import { setTimeout as wait } from "node:timers/promises";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { GetOrderRequest, OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { startClusterDns } from "@holdfast/discovery/dns-server/cluster-dns";
import { describe, expect, test } from "vitest";
import { connect, discovery } from "../index.ts";
import { aServer } from "../testing/a-server.ts";

const GET_ORDER = "/ecommerce.order.v1.OrderService/GetOrder";
/** Younger ones look to a client like those of a server that hangs up, and it takes its time. */
const AGE_MS = 1_200;

/** A server whose connections end soon; `peers` are the other ends of those that calls came over. */
async function aServerOfShortConnections(maxConnectionAgeMs = AGE_MS) {
  const peers = new Set<string>();
  const server = await aServer(
    {
      async getOrder(_, { peer }) {
        peers.add(peer);
        await wait(10);
        return { order: undefined };
      },
      async *streamOrderUpdates(_, { peer }) {
        for (let sent = 0; sent < 15; sent += 1) {
          peers.add(peer);
          yield { event: undefined, heartbeatTime: new Date(sent) };
          await wait(AGE_MS / 5);
        }
      },
    },
    { maxConnectionAgeMs },
  );
  return { ...server, peers };
}

/** grpc-js as it comes, over several addresses. */
function foreignClient(targets: readonly string[]) {
  const serviceConfig = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });
  const client = new Client(`ipv4:${targets.join(",")}`, credentials.createInsecure(), {
    "grpc.service_config": serviceConfig,
  });
  const asIs = (value: Buffer) => value;
  const request = Buffer.from(GetOrderRequest.encode({ orderId: "ord_1" }).finish());
  const getOrder = () =>
    new Promise<ServiceError | undefined>((resolve) => {
      const options = { deadline: Date.now() + 5_000 };
      client.makeUnaryRequest(GET_ORDER, asIs, asIs, request, new Metadata(), options, (error) =>
        resolve(error ?? undefined),
      );
    });
  return { getOrder, [Symbol.dispose]: () => client.close() };
}

/** Makes a call every 5 ms while connections get old four times. @returns What failed. */
async function load(getOrder: () => Promise<unknown>): Promise<unknown[]> {
  const calls: Promise<unknown>[] = [];
  const end = performance.now() + 4 * AGE_MS;
  while (performance.now() < end) {
    calls.push(getOrder());
    await wait(5);
  }
  return (await Promise.all(calls)).filter((error) => error !== undefined);
}

describe("maxConnectionAgeMs", () => {
  test("makes a foreign client connect anew, which loses no call by it", async () => {
    await using a = await aServerOfShortConnections();
    // A call that meets the ends of two connections would be refused twice: this one's last.
    await using b = await aServerOfShortConnections(0);
    using client = foreignClient([a.target, b.target]);
    expect(await load(client.getOrder)).toEqual([]);
    expect(a.peers.size).toBeGreaterThanOrEqual(3);
    expect(b.peers.size).toBe(1);
  });

  test("costs a client with discovery no call either, with one instance", async () => {
    await using server = await aServerOfShortConnections();
    await using dns = await startClusterDns();
    const instances = [{ hostname: "order", ipv4: "127.0.0.1", port: server.port }];
    dns.set([{ service: "order-service", namespace: "orders", portName: "grpc", instances }]);
    const found = discovery({ resolver: { servers: [dns.server] } });
    using orders = connect(OrderServiceDefinition, "k8s:///order-service.orders:grpc", { discovery: found });
    const getOrder = () =>
      orders.getOrder({ orderId: "ord_1" }).then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(await load(getOrder)).toEqual([]);
    expect(server.peers.size).toBeGreaterThanOrEqual(3);
  });

  test("leaves a stream the connection that it has, to its end", async () => {
    await using server = await aServerOfShortConnections();
    using orders = connect(OrderServiceDefinition, server.target);
    let received = 0;
    for await (const _ of orders.streamOrderUpdates({ orderId: "ord_1" })) received += 1;
    expect(received).toBe(15);
    expect(server.peers.size).toBe(1);
    await orders.getOrder({ orderId: "ord_1" });
    expect(server.peers.size).toBe(2);
  });

  test.each([-1, 1.5, 86_400_001])("refuses %d", async (maxConnectionAgeMs) => {
    await expect(aServer({}, { maxConnectionAgeMs })).rejects.toThrow("maxConnectionAgeMs");
  });
});
