import type { WatchStockRequest, WatchStockResponse } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { Status } from "@holdfast/rpc";
import { sql } from "@holdfast/storage";
import { describe, expect, test } from "vitest";
import { anOrderId, aScope, insertProduct, insertProducts } from "../testing/builders.ts";
import type { Scope } from "../domain/scope.ts";
import { startService, type TestService } from "../testing/start-service.ts";
import { watchStock } from "./watch-stock.ts";

describe("watchStock()", () => {
  test("tells the current level first, then each change, until it is unsubscribed", async () => {
    await using service = await startService();
    const [a, b] = [await insertProduct(service.db, { stock: 5 }), await insertProduct(service.db, { stock: 6 })];
    await using watch = startWatch(service);
    watch.send({ subscribe: [a, b] });
    expect(levelsOf([await watch.next(), await watch.next()])).toEqual({ [a]: 5, [b]: 6 });
    await reserve(service, a, 2);
    expect((await watch.next()).level).toEqual({ productId: a, stock: 3, version: 2n });
    watch.send({ unsubscribe: [a], subscribe: [b] });
    expect((await watch.next()).level).toEqual({ productId: b, stock: 6, version: 1n });
    await reserve(service, a, 1);
    await reserve(service, b, 1);
    expect((await watch.next()).level).toEqual({ productId: b, stock: 5, version: 2n });
  });

  test("hears of releases and imports as well, but not of commits, which leave the level as it is", async () => {
    await using service = await startService();
    const id = await insertProduct(service.db, { sku: "A", stock: 5 });
    await using watch = startWatch(service);
    watch.send({ subscribe: [id] });
    await watch.next();
    const orderId = await reserve(service, id, 2);
    expect((await watch.next()).level?.stock).toBe(3);
    await service.client.releaseStock({ orderId });
    expect((await watch.next()).level?.stock).toBe(5);
    const committed = await reserve(service, id, 1);
    expect((await watch.next()).level?.stock).toBe(4);
    await service.client.commitStock({ orderId: committed });
    const price = { currencyCode: "GBP", minorUnits: 1n };
    const row = { sku: "A", name: "A", price, stock: 77, description: "" };
    await service.client.importProducts(once({ rows: [row] }));
    expect((await watch.next()).level).toEqual({ productId: id, stock: 77, version: 5n });
  });

  test("names ids that are no product, and goes on", async () => {
    await using service = await startService();
    const id = await insertProduct(service.db, { stock: 5 });
    await using watch = startWatch(service);
    watch.send({ subscribe: ["prod_none"] });
    expect(await watch.next()).toMatchObject({ unknownProductId: "prod_none", level: undefined });
    watch.send({ subscribe: [id] });
    expect((await watch.next()).level?.productId).toBe(id);
  });

  test("loses no change that comes while it is subscribing", async () => {
    await using service = await startService();
    const ids = await insertProducts(service.db, 40, 100);
    for (const id of ids) {
      await using watch = startWatch(service);
      const reserved = reserve(service, id, 1);
      watch.send({ subscribe: [id] });
      let level = (await watch.next()).level;
      await reserved;
      if (level?.stock === 100) level = (await watch.next()).level;
      expect(level?.stock).toBe(99);
    }
  });

  test("finds by itself a change that nobody told", async () => {
    await using service = await startService({ WATCH_POLL_MS: 50 });
    const id = await insertProduct(service.db, { stock: 5 });
    await using watch = startWatch(service);
    watch.send({ subscribe: [id] });
    await watch.next();
    await service.db.transaction(aScope(), (tx) =>
      sql`update product set stock = 9, received = 9, stock_version = stock_version + 1`.execute(tx),
    );
    expect((await watch.next()).level?.stock).toBe(9);
  });

  test("sends heartbeats while it is idle, polls or not", async () => {
    await using service = await startService({ HEARTBEAT_MS: 60, WATCH_POLL_MS: 20 });
    const id = await insertProduct(service.db);
    await using watch = startWatch(service);
    watch.send({ subscribe: [id] });
    expect((await watch.next()).level).toBeDefined();
    const beats = [await watch.next(), await watch.next()].map(({ heartbeat }) => heartbeat?.time?.getTime() ?? 0);
    expect((beats[1] ?? 0) - (beats[0] ?? 0)).toBeGreaterThanOrEqual(50);
  });

  test("tells what was asked for and ends when the client ends its side", async () => {
    await using service = await startService();
    const ids = await insertProducts(service.db, 250, 3);
    const told: (string | undefined)[] = [];
    for await (const { level } of service.client.watchStock(once({ subscribe: ids, unsubscribe: [] }))) {
      told.push(level?.productId);
    }
    expect(told).toHaveLength(250);
    expect(new Set(told)).toEqual(new Set(ids));
  });

  test("looks again at a level that waited too long for its reader", async () => {
    let time = 0;
    let version = 0n;
    const readLevels = async (_: unknown, ids: readonly string[]) => {
      version += 1n;
      return ids.map((productId) => ({ productId, stock: 1, version }));
    };
    const changes = { next: () => new Promise<ReadonlySet<string>>(() => {}), [Symbol.dispose]: () => {} };
    const timing = { heartbeatMs: 1_000_000, pollMs: 1_000_000, staleAfterMs: 100, now: () => time };
    const handler = watchStock({ readLevels, follow: () => changes, ...timing });
    const told: [string | undefined, bigint | undefined][] = [];
    const requests = once({ subscribe: ["prod_1", "prod_2", "prod_3"], unsubscribe: [] });
    for await (const { level } of handler(requests, aScope() as Parameters<typeof handler>[1])) {
      told.push([level?.productId, level?.version as bigint]);
      if (told.length === 2) time += 101;
    }
    expect(told).toEqual([
      ["prod_1", 1n],
      ["prod_2", 1n],
      ["prod_3", 2n],
    ]);
  });

  test("has 5 s for a look-up, however long it may last itself", async () => {
    const deadlines: number[] = [];
    const readLevels = async ({ deadline }: Scope) => {
      deadlines.push(deadline);
      return [];
    };
    const changes = { next: () => new Promise<ReadonlySet<string>>(() => {}), [Symbol.dispose]: () => {} };
    const timing = { heartbeatMs: 1_000_000, pollMs: 1_000_000, now: () => 100_000 };
    const handler = watchStock({ readLevels, follow: () => changes, ...timing });
    const context = aScope(3_600_000) as Parameters<typeof handler>[1];
    for await (const _ of handler(once({ subscribe: ["prod_1"], unsubscribe: [] }), context));
    expect(deadlines).toEqual([105_000]);
  });

  test("refuses more than 1,000 products, but not their exchange", async () => {
    await using service = await startService();
    const ids = await insertProducts(service.db, 1_500);
    await using watch = startWatch(service);
    watch.send({ subscribe: ids.slice(0, 1_000) });
    for (let told = 0; told < 1_000; told++) await watch.next();
    watch.send({ subscribe: ids.slice(500), unsubscribe: ids.slice(0, 500) });
    for (let told = 0; told < 1_000; told++) await watch.next();
    watch.send({ subscribe: ids.slice(0, 1) });
    await expect(watch.next()).rejects.toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      reason: "TOO_MANY_SUBSCRIPTIONS",
      metadata: { limit: "1000" },
    });
  });

  test("ends with VALIDATION_FAILED at a message that breaks a rule", async () => {
    await using service = await startService();
    await using watch = startWatch(service);
    watch.send({ subscribe: ["no id"] });
    await expect(watch.next()).rejects.toMatchObject({ reason: "VALIDATION_FAILED" });
  });

  test("gives a reader that was away the newest level and none in between", async () => {
    await using service = await startService();
    const ids = await insertProducts(service.db, 1_000, 1_000_000);
    const hot = ids[0] ?? "";
    await using watch = startWatch(service);
    watch.send({ subscribe: ids });
    await watch.next();
    // The reader is away: what the transport buffers fills up, everything else stays one entry a product.
    for (let round = 1; round <= 40; round++) {
      await service.db.transaction(aScope(), async (tx) => {
        await sql`
          update product set stock = stock - 1, reserved = reserved + 1, stock_version = stock_version + 1`.execute(tx);
        await sql`select pg_notify('stock_changed', '*')`.execute(tx);
      });
    }
    const versions: bigint[] = [];
    let received = 1;
    for (let last = 0n; last < 41n; received++) {
      const { level } = await watch.next();
      if (level?.productId !== hot) continue;
      last = level.version;
      versions.push(last);
    }
    expect(versions.at(-1)).toBe(41n);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => Number(a - b)));
    expect(received).toBeLessThan(20_000);
  });

  test("stops when the client goes away", async () => {
    await using service = await startService({ HEARTBEAT_MS: 20 });
    const cancel = new AbortController();
    const stream = service.client.watchStock(silence(), { signal: cancel.signal });
    await expect(
      (async () => {
        for await (const message of stream) if (message.heartbeat !== undefined) cancel.abort();
      })(),
    ).rejects.toThrow(/went away|abort/i);
  });
});

/** A watch that the test writes to and reads from step by step. */
function startWatch(service: TestService) {
  const cancel = new AbortController();
  const queue: WatchStockRequest[] = [];
  let wake = () => {};
  const requests = async function* () {
    while (!cancel.signal.aborted) {
      const request = queue.shift();
      if (request !== undefined) yield request;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const responses = service.client.watchStock(requests(), { signal: cancel.signal })[Symbol.asyncIterator]();
  return {
    send({ subscribe = [], unsubscribe = [] }: Partial<WatchStockRequest>) {
      queue.push({ subscribe, unsubscribe });
      wake();
    },
    async next(): Promise<WatchStockResponse> {
      const { done, value } = await responses.next();
      if (done === true) throw new Error("The watch has ended");
      return value;
    },
    async [Symbol.asyncDispose]() {
      cancel.abort();
      wake();
      await responses.return?.(undefined).catch(() => undefined);
    },
  };
}

async function reserve(service: TestService, productId: string, quantity: number): Promise<string> {
  const orderId = anOrderId();
  await service.client.reserveStock({ orderId, items: [{ productId, quantity }] });
  return orderId;
}

function levelsOf(messages: WatchStockResponse[]) {
  return Object.fromEntries(messages.map(({ level }) => [level?.productId, level?.stock]));
}

async function* once<T>(message: T): AsyncGenerator<T> {
  yield message;
}

/** A client that says nothing and stays. */
function silence(): AsyncIterable<WatchStockRequest> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
}
