import { startClusterDns } from "@holdfast/discovery/dns-server/cluster-dns";
import { describe, expect, test } from "vitest";
import { aCreateOrder } from "../testing/builders.ts";
import { type FakePayment, startFakePayment } from "../testing/fake-payment.ts";
import { type FakeProduct, startFakeProduct } from "../testing/fake-product.ts";
import { followToEnd, statesOf } from "../testing/follow-to-end.ts";
import { openTestStore, type TestStore } from "../testing/open-test-store.ts";
import { silent } from "../testing/script.ts";
import { type OrderProcess, startOrderProcess } from "../testing/start-order-process.ts";

interface System {
  store: TestStore;
  product: FakeProduct;
  payment: FakePayment;
  /** Starts the service anew. A lease that a killed process leaves ends soon. */
  start(): Promise<OrderProcess>;
}

async function aSystem(stack: AsyncDisposableStack): Promise<System> {
  const store = stack.use(await openTestStore());
  const product = stack.use(await startFakeProduct());
  const payment = stack.use(await startFakePayment());
  const dns = stack.use(await startClusterDns());
  dns.set([named("product-service", product.target), named("payment-service", payment.target)]);
  const env = {
    DATABASE_URL: store.url,
    CLUSTER_DNS: dns.server,
    PRODUCT_TARGET: "k8s:///product-service:grpc",
    PAYMENT_TARGET: "k8s:///payment-service:grpc",
    STEP_TIMEOUT_MS: "1000",
    LEASE_MS: "1500",
  };
  return { store, product, payment, start: async () => stack.use(await startOrderProcess(env)) };
}

/** A service in the default namespace with one instance. */
function named(service: string, target: string) {
  const port = Number(target.split(":")[1]);
  return {
    service,
    namespace: "default",
    portName: "grpc",
    instances: [{ hostname: "only", ipv4: "127.0.0.1", port }],
  };
}

/** Resolves when a call comes to this point, such as "after charge", and never answers it. */
function reached({ product, payment }: System, point: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stopAt = (when: string) => (call: Parameters<typeof silent>[0]) => {
    if (point !== `${when} ${call.method}`) return undefined;
    resolve();
    return silent(call);
  };
  product.script = payment.script = { before: stopAt("before"), after: stopAt("after") };
  return promise;
}

/** Kills the service at each point in turn, starts it anew each time, and follows the order to its end. */
async function killAt(system: System, points: readonly string[], orderId: string, first: OrderProcess) {
  let service = first;
  for (const point of points) {
    await reached(system, point);
    await service.kill();
    service = await system.start();
  }
  system.product.script = system.payment.script = {};
  return statesOf(await followToEnd(service.client, orderId));
}

describe("the service, killed with SIGKILL", () => {
  test("before and after every call on the way to CONFIRMED, captures once, under one key", async () => {
    await using stack = new AsyncDisposableStack();
    const system = await aSystem(stack);
    const atFirst = reached(system, "before reserveStock");
    const service = await system.start();
    const { order } = await service.client.createOrder(aCreateOrder());
    const orderId = order?.id ?? "";
    await atFirst;
    const points = [
      "before reserveStock",
      "after reserveStock",
      "before charge",
      "before getTransactionStatus",
      "after charge",
      "before commitStock",
      "after commitStock",
    ];
    const states = await killAt(system, points, orderId, service);
    expect(states).toBe("PENDING STOCK_RESERVED PAID CONFIRMED");
    expect(system.payment.charges).toMatchObject([{ key: `${orderId}:capture:1`, state: "COMPLETED" }]);
    expect(system.product.reservations.get(orderId)).toBe("COMMITTED");
    expect(system.payment.calls.filter((it) => it === "charge").length).toBeGreaterThan(1);
  }, 120_000);

  test("while it cancels what is being charged, refunds once, under one key, and releases", async () => {
    await using stack = new AsyncDisposableStack();
    const system = await aSystem(stack);
    const charging = reached(system, "after charge");
    const service = await system.start();
    const { order } = await service.client.createOrder(aCreateOrder());
    const orderId = order?.id ?? "";
    await charging;
    await service.client.cancelOrder({ orderId });
    await service.kill();
    const points = ["before refund", "after refund", "before releaseStock", "after releaseStock"];
    const states = await killAt(system, points, orderId, await system.start());
    expect(states).toBe("PENDING STOCK_RESERVED PAID CANCELLED(CUSTOMER_REQUEST)");
    expect(system.payment.charges).toMatchObject([{ key: `${orderId}:capture:1`, state: "REFUNDED" }]);
    expect(new Set(system.payment.refundKeys)).toEqual(new Set([`${orderId}:refund:1`]));
    expect(system.product.reservations.get(orderId)).toBe("RELEASED");
  }, 120_000);
});

test("the service, ended with SIGTERM while it waits for a neighbour, ends with 0 in its time", async () => {
  await using stack = new AsyncDisposableStack();
  const system = await aSystem(stack);
  const charging = reached(system, "before charge");
  const service = await system.start();
  await service.client.createOrder(aCreateOrder());
  await charging;
  const begin = performance.now();
  expect(await service.end()).toBe(0);
  expect(performance.now() - begin).toBeLessThan(4_000);
  expect(await system.store.query("select state, lease_until from orders")).toEqual([
    { state: "STOCK_RESERVED", lease_until: null },
  ]);
}, 60_000);
