import { rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { readEffects } from "@holdfast/payment-provider/read-effects";
import { connect, discovery } from "@holdfast/rpc";
import { clusterTarget, SERVICE_NAMES, startStack } from "@holdfast/stack";
import { expect, test } from "vitest";
import { watchStalls } from "../../bench/balancing/stalls.ts";
import { audit } from "../../scripts/audit/audit.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { report } from "../long/report.ts";
import { rollingLoad } from "../support/rolling-load.ts";

const TARGETS = { payment: clusterTarget("payment"), product: clusterTarget("product"), order: clusterTarget("order") };
/** 200 a second. */
const RATES = { getProduct: 100, getOrder: 50, status: 42, createOrder: 6, slowCharge: 2 };
/** At least; it goes on for as long as there are calls to come, so that all of them are made while instances come and go. */
const ROUNDS = 10;
const CALLS = 100_000;
/** How long an instance serves before the next one goes, as Kubernetes' `minReadySeconds`. Unit: milliseconds. */
const MIN_READY_MS = 2_000;
/** Longer than the longest call, which takes two seconds at the provider. Ctrl-C's promise of 5 s does not count here. */
const DRAIN_MS = 8_000;

test("ten rolling restarts of every service under load fail no call, break no stream and do nothing twice", async () => {
  const folder = await temporaryFolder("holdfast-rolling-");
  const ports = { payment: 0, product: 0, order: 0, provider: 0, postgres: 0 };
  const replicas = { payment: 2, product: 2, order: 2 };
  const stack = await startStack({ folder, ports, replicas, env: { DRAIN_MS: String(DRAIN_MS) } });
  try {
    const found = discovery({ resolver: { servers: [stack.clusterDns], intervalMs: 500 } });
    const load = await rollingLoad({ targets: TARGETS, discovery: found, rates: RATES });
    const stall = watchStalls();
    const began = performance.now();
    let longestMs = 0;
    let restarts = 0;
    for (let round = 0; round < ROUNDS || load.calls < CALLS; round += 1) {
      for (const service of SERVICE_NAMES) {
        for (const { process } of stack.processes.instances.of(service)) {
          const since = performance.now();
          await process.restart();
          longestMs = Math.max(longestMs, performance.now() - since);
          await wait(MIN_READY_MS);
          restarts += 1;
        }
      }
    }
    const restartedMs = performance.now() - began;
    await load.stop();
    report("rolling restarts", {
      restarts,
      "for s": Math.round(restartedMs / 1_000),
      "longest restart ms": Math.round(longestMs),
      calls: load.calls,
      failed: load.failures.length,
      "longest stall of the caller ms": Math.round(stall()),
      "streams resumed": load.streams.resumed,
      orders: [...load.orders.values()].flat().length,
      "slow charges": load.charges.length,
    });
    expect(load.failures).toEqual([]);
    expect(load.streams.wrong).toEqual([]);
    expect(load.streams.resumed).toBeGreaterThanOrEqual(ROUNDS);
    expect(load.calls).toBeGreaterThanOrEqual(CALLS);

    // Every order once: as many as were accepted, each under its own key.
    using orders = connect(OrderServiceDefinition, stack.targets.order);
    for (const [customerId, accepted] of load.orders) {
      const listed: string[] = [];
      for (let pageToken = ""; ; ) {
        const page = await orders.listOrders({ customerId, pageSize: 100, pageToken });
        listed.push(...page.orders.map(({ id }) => id));
        pageToken = page.nextPageToken;
        if (pageToken === "") break;
      }
      expect(listed.toSorted()).toEqual([...accepted].toSorted());
    }
    const captures = new Map<string, number>();
    for await (const effect of readEffects(stack.providerFile)) {
      if (effect.type === "capture") captures.set(effect.order_id, (captures.get(effect.order_id) ?? 0) + 1);
    }
    expect([...captures.values()].filter((count) => count > 1)).toEqual([]);
    expect(captures.size).toBeGreaterThanOrEqual(load.charges.length);

    const { databaseUrls, providerFile } = stack;
    const books = {
      orderDatabaseUrl: databaseUrls.order,
      productDatabaseUrl: databaseUrls.product,
      paymentDatabaseUrl: databaseUrls.payment,
      providerFile,
    };
    // The charges that were made directly have orders that nobody placed.
    const { violations } = await audit(books);
    const charged = new Set(load.charges.map(({ customerId }) => customerId));
    expect(violations.filter(({ subject }) => !charged.has(subject))).toEqual([]);
  } finally {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
