import { Resolver } from "node:dns/promises";
import { rm } from "node:fs/promises";
import { AdminServiceDefinition } from "@holdfast/contracts/ecommerce/admin/v1/admin_service";
import { connect } from "@holdfast/rpc";
import { type ServiceName, type Stack, startStack } from "@holdfast/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anOrder, aProduct, clientsOf, placed, settled } from "./support/clients.ts";
import { until } from "./support/npm-start.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

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
  stack = await startStack({ folder, ports, replicas: { payment: 2, order: 2 } });
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

/** Places orders, `atOnce` at a time, while something happens. @returns How many ended CONFIRMED or CANCELLED. */
async function ordersDuring(happening: () => Promise<void>, atOnce = 4): Promise<number> {
  const clients = clientsOf(stack.targets);
  const product = await aProduct(clients, { stock: 10_000 });
  const over = new AbortController();
  let ended = 0;
  const buy = async () => {
    while (!over.signal.aborted) {
      await settled(clients, await placed(clients, anOrder(product)));
      ended += 1;
    }
  };
  const buyers = Promise.all(Array.from({ length: atOnce }, buy));
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
    expect(ended).toBeGreaterThan(0);
    expect(await known("payment")).toEqual(running("payment"));
  });

  test("loses no order when instances are killed, stopped and started", async () => {
    const ended = await ordersDuring(async () => {
      const [, second, third] = stack.processes.instances.of("payment");
      second?.process.kill("SIGKILL");
      await second?.process.ready();
      await third?.process.restart();
      await stack.processes.instances.of("product")[0]?.process.restart();
      await stack.processes.instances.of("order")[1]?.process.restart();
    });
    expect(ended).toBeGreaterThan(0);
  });

  test("forgets an instance before it stops", async () => {
    await stack.scale("payment", 1);
    expect(await known("payment")).toEqual(running("payment"));
    expect(running("payment")).toHaveLength(1);
    await until(async () => (await payments()).length === 1);
    expect(await ordersDuring(async () => undefined, 4)).toBeGreaterThanOrEqual(4);
  });
});
