import { Resolver } from "node:dns/promises";
import { rm } from "node:fs/promises";
import { AdminServiceDefinition, Endpoint_State } from "@holdfast/contracts/ecommerce/admin/v1/admin_service";
import { Order_State } from "@holdfast/contracts/ecommerce/order/v1/order";
import { connect, discovery } from "@holdfast/rpc";
import { clusterTarget, SERVICE_NAMES, type ServiceName, type Stack, startStack } from "@holdfast/stack";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { anOrder, aProduct, clientsOf, placed, settled } from "./support/clients.ts";
import { until } from "./support/npm-start.ts";
import { rollingLoad } from "./support/rolling-load.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const TARGETS = { payment: clusterTarget("payment"), product: clusterTarget("product"), order: clusterTarget("order") };
const RATES = { getProduct: 20, getOrder: 20, status: 10, createOrder: 3, slowCharge: 0 };
const NAMES: Record<ServiceName, string> = {
  payment: "_grpc._tcp.payment-service.payments.svc.cluster.local",
  product: "_grpc._tcp.product-service.products.svc.cluster.local",
  order: "_grpc._tcp.order-service.orders.svc.cluster.local",
};

/** A system of its own: it is scaled, and instances of it are killed. */
let stack: Stack;
let folder: string;
let dns: Resolver;

beforeAll(async () => {
  folder = await temporaryFolder("holdfast-replicas-");
  const ports = { payment: 0, product: 0, order: 0, provider: 0, postgres: 0 };
  stack = await startStack({ folder, ports, replicas: { payment: 2, product: 2, order: 2 } });
  dns = new Resolver({ timeout: 1_000, tries: 2 });
  dns.setServers([stack.clusterDns]);
});
afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

const ascending = (a: number, b: number) => a - b;

/** The ports of the instances that the cluster's DNS knows. */
async function known(service: ServiceName): Promise<number[]> {
  const records = await dns.resolveSrv(NAMES[service]);
  return records.map(({ port }) => port).toSorted(ascending);
}

const running = (service: ServiceName) =>
  stack.processes.instances
    .of(service)
    .map(({ port }) => port)
    .toSorted(ascending);

/** What the first instance of the order service knows of the payment service. */
async function payments() {
  using admin = connect(AdminServiceDefinition, stack.targets.order);
  const { targets } = await admin.listTargets({ nameContains: "payment" });
  return targets.flatMap(({ endpoints }) => endpoints);
}

/** Whether every instance of the order service is connected with each instance of what it calls. */
async function orderIsConnected(): Promise<boolean> {
  const connected = stack.processes.instances.of("order").map(async ({ port }) => {
    using admin = connect(AdminServiceDefinition, `127.0.0.1:${port}`);
    const { targets } = await admin.listTargets({});
    return targets.every(({ name, endpoints }) => {
      const service = name.startsWith(TARGETS.payment) ? "payment" : "product";
      return endpoints.length === running(service).length && endpoints.every(({ state }) => TAKES_CALLS.has(state));
    });
  });
  return (await Promise.all(connected)).every(Boolean);
}
const TAKES_CALLS = new Set<Endpoint_State>([Endpoint_State.STATE_READY, Endpoint_State.STATE_SLOW_STARTING]);

/** Places orders, `atOnce` at a time, while something happens. @returns In what state each ended. */
async function ordersDuring(happening: () => Promise<void>, atOnce = 4): Promise<Order_State[]> {
  const clients = clientsOf(stack.targets);
  const product = await aProduct(clients, { stock: 10_000 });
  const over = new AbortController();
  const ended: Order_State[] = [];
  const buy = async () => {
    while (!over.signal.aborted) {
      const { state } = await settled(clients, await placed(clients, anOrder(product)));
      ended.push(state);
    }
  };
  const buyers = Promise.all(Array.from({ length: atOnce }, buy));
  // A buyer who goes on after the system has stopped would never end.
  onTestFinished(() => over.abort());
  await happening();
  over.abort();
  await buyers;
  return ended;
}

describe("a system with several instances of a service", () => {
  test("has a record for each instance that serves", async () => {
    expect(await known("payment")).toEqual(running("payment"));
    expect(await known("order")).toEqual(running("order"));
    expect(await known("product")).toEqual(running("product"));
    expect(running("payment")).toHaveLength(2);
  });

  test("spreads the calls of a service over all of them, and over new ones as soon as they serve", async () => {
    const before = running("payment").length;
    const ended = await ordersDuring(async () => {
      await until(async () => (await payments()).every(({ callCount }) => callCount > 0n));
      await stack.scale("payment", before + 1);
      await until(async () => (await payments()).filter(({ callCount }) => callCount > 0n).length === before + 1);
    });
    expect(new Set(ended)).toEqual(new Set([Order_State.STATE_CONFIRMED]));
    expect(await known("payment")).toEqual(running("payment"));
  });

  test("loses no order when an instance is killed", async () => {
    const ended = await ordersDuring(async () => {
      const [, second] = stack.processes.instances.of("payment");
      second?.process.kill("SIGKILL");
      await second?.process.ready();
    });
    expect(new Set(ended)).toEqual(new Set([Order_State.STATE_CONFIRMED]));
  });

  test("fails no call and loses no order when each instance of each service is stopped and started", async () => {
    const found = discovery({ resolver: { servers: [stack.clusterDns], intervalMs: 500 } });
    const load = await rollingLoad({ targets: TARGETS, discovery: found, rates: RATES });
    onTestFinished(() => load.stop());
    for (const service of SERVICE_NAMES) {
      for (const { process } of stack.processes.instances.of(service)) {
        // The next one goes when this one has its share again, as in a cluster.
        await until(orderIsConnected);
        await process.restart();
      }
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.streams.wrong).toEqual([]);
    expect(load.streams.resumed).toBeGreaterThan(0);
    const accepted = [...load.orders.values()].flat();
    expect(accepted.length).toBeGreaterThan(20);
    const clients = clientsOf(stack.targets);
    const ended = await Promise.all(accepted.map((id) => settled(clients, id)));
    expect(new Set(ended.map(({ state }) => state))).toEqual(new Set([Order_State.STATE_CONFIRMED]));
  }, 120_000);

  test("forgets an instance before it stops", async () => {
    await stack.scale("payment", 1);
    expect(await known("payment")).toEqual(running("payment"));
    expect(running("payment")).toHaveLength(1);
    await until(async () => (await payments()).length === 1);
    expect((await ordersDuring(async () => undefined, 4)).length).toBeGreaterThanOrEqual(4);
  });
});
