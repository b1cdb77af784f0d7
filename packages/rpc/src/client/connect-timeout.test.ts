import { once } from "node:events";
import { connect as dial, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { startClusterDns } from "@holdfast/discovery/dns-server/cluster-dns";
import { expect, test } from "vitest";
import { connect, discovery, Status } from "../index.ts";
import { aServer } from "../testing/a-server.ts";
import { blackHole } from "../testing/black-hole.ts";

const TARGET = "k8s:///order-service.orders:grpc";

/** Leads the first connection to `port`; each later one is taken, and hears nothing. */
async function firstOnly(port: number) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => undefined));
    if (sockets.length > 1) return;
    const onward = dial(port, "127.0.0.1").on("error", () => undefined);
    sockets.push(onward);
    socket.pipe(onward).pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: own } = server.address() as { port: number };
  return {
    port: own,
    taken: () => sockets.length - 1,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

test("an attempt that is given up leaves alone a connection that drains, with its calls", async () => {
  const { promise: answer, resolve } = Promise.withResolvers<{ order: undefined }>();
  const { promise: called, resolve: onCall } = Promise.withResolvers<void>();
  await using server = await aServer({
    getOrder: () => {
      onCall();
      return answer;
    },
  });
  await using front = await firstOnly(server.port);
  await using dns = await startClusterDns();
  const instances = [{ hostname: "order-0", ipv4: "127.0.0.1", port: front.port }];
  dns.set([{ service: "order-service", namespace: "orders", portName: "grpc", instances }]);
  const found = discovery({ resolver: { servers: [dns.server] }, policy: { connectTimeoutMs: 200 } });
  using orders = connect(OrderServiceDefinition, TARGET, { discovery: found });

  const call = orders.getOrder({ orderId: "ord_1" });
  await called;
  const drained = server.drain({ graceMs: 10_000 });
  // The connection said GOAWAY; another one is tried, and tried again.
  await expect.poll(front.taken, { timeout: 5_000 }).toBeGreaterThan(2);
  await sleep(300);
  resolve({ order: undefined });
  expect(await call).toEqual({ order: undefined });
  await drained;
});

test("an attempt that nobody answers ends with its socket, and so does the last one of a client that is closed", async () => {
  await using hole = await blackHole();
  await using dns = await startClusterDns();
  const instances = [{ hostname: "order-0", ipv4: "127.0.0.1", port: hole.port }];
  dns.set([{ service: "order-service", namespace: "orders", portName: "grpc", instances }]);
  const found = discovery({ resolver: { servers: [dns.server] }, policy: { connectTimeoutMs: 200 } });
  using orders = connect(OrderServiceDefinition, TARGET, { discovery: found });

  const others = tcpSockets();
  const counts: number[] = [];
  const until = performance.now() + 2_500;
  while (performance.now() < until) {
    await expect(orders.getOrder({ orderId: "ord_1" })).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    counts.push(tcpSockets() - others);
    await sleep(20);
  }
  // One for what calls ask for, and one more for as long as that one is being replaced.
  expect(Math.max(...counts)).toBeLessThanOrEqual(2);
  expect(Math.max(...counts)).toBeGreaterThan(0);
  orders[Symbol.dispose]();
  await expect.poll(tcpSockets, { timeout: 2_000 }).toBe(others);
});

function tcpSockets(): number {
  return process.getActiveResourcesInfo().filter((type) => type === "TCPSocketWrap").length;
}
