import type { StreamOrderUpdatesResponse } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { aCreateOrder } from "../testing/builders.ts";
import { followToEnd, statesOf } from "../testing/follow-to-end.ts";
import { startOrderService, type TestOrderService } from "../testing/start-order-service.ts";
import { streamOrderUpdates } from "./stream-order-updates.ts";

async function place({ client }: TestOrderService, customerId = "17850"): Promise<string> {
  const { order } = await client.createOrder(aCreateOrder({ customerId }));
  return order?.id ?? "";
}

async function take(stream: AsyncIterable<StreamOrderUpdatesResponse>, count: number) {
  const taken: StreamOrderUpdatesResponse[] = [];
  for await (const response of stream) if (taken.push(response) === count) break;
  return taken;
}

describe("StreamOrderUpdates", () => {
  test("follows an order from its acceptance to its end, and ends by itself", async () => {
    await using service = await startOrderService({ STREAM_POLL_MS: 60_000 });
    const orderId = await place(service);
    const following = followToEnd(service.client, orderId);
    service.startWorker();
    const events = await following;
    expect(statesOf(events)).toBe("PENDING STOCK_RESERVED PAID CONFIRMED");
    expect(events.map(({ type }) => type)).toEqual([1, 2, 3, 4]);
    expect(events.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n, 4n]);
    expect(events.map(({ customerSequence }) => customerSequence)).toEqual([1n, 2n, 3n, 4n]);
    expect(new Set(events.map(({ customerId }) => customerId))).toEqual(new Set(["17850"]));
  });

  test.each([
    [2n, [3n, 4n]],
    [4n, []],
    [9_223_372_036_854_775_807n, []],
  ])("replays what is after %s of an order that is over, and ends", async (afterSequence, sequences) => {
    await using service = await startOrderService();
    service.startWorker();
    const orderId = await place(service);
    await followToEnd(service.client, orderId);
    const seen: (bigint | undefined)[] = [];
    for await (const { event } of service.client.streamOrderUpdates({ orderId, afterSequence })) {
      seen.push(event?.sequence);
    }
    expect(seen).toEqual(sequences);
  });

  test("follows all orders of a customer in the order of the commits, those to come included", async () => {
    await using service = await startOrderService({ STREAM_POLL_MS: 60_000 });
    service.startWorker();
    await followToEnd(service.client, await place(service));
    const stream = service.client.streamOrderUpdates({ customerId: "17850", afterSequence: 3n });
    const following = take(stream, 9);
    const orders = await Promise.all([place(service), place(service), place(service, "12583")]);
    const events = (await following).flatMap(({ event }) => event ?? []);
    expect(events.map(({ customerSequence }) => customerSequence)).toEqual([4n, 5n, 6n, 7n, 8n, 9n, 10n, 11n, 12n]);
    for (const id of orders.slice(0, 2)) {
      const own = events.filter(({ orderId }) => orderId === id);
      expect(own.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n, 4n]);
    }
  });

  test("replays a log that is longer than a page", async () => {
    await using service = await startOrderService();
    await service.store.query(`
      insert into orders (id, customer_id, currency_code, total_minor_units, payment_method, line_count)
      select 'ord_' || i, '17850', 'GBP', 1, 'pm_card_ok', 1 from generate_series(1, 205) i`);
    await service.store.query(`
      insert into order_events (order_id, sequence, state, customer_id, customer_sequence)
      select 'ord_' || i, 1, 'PENDING', '17850', i from generate_series(1, 205) i`);
    const events = await take(service.client.streamOrderUpdates({ customerId: "17850" }), 205);
    expect(events.map(({ event }) => event?.customerSequence)).toEqual(
      Array.from({ length: 205 }, (_, index) => BigInt(index + 1)),
    );
  });

  test("shows that it is alive when it has been idle", async () => {
    await using service = await startOrderService({ HEARTBEAT_MS: 50 });
    const orderId = await place(service);
    const [event, ...heartbeats] = await take(service.client.streamOrderUpdates({ orderId }), 3);
    expect(event?.event?.sequence).toBe(1n);
    for (const it of heartbeats) expect(it).toEqual({ event: undefined, heartbeatTime: expect.any(Date) });
  });

  test("finds by looking what nobody told it", async () => {
    await using service = await startOrderService({ STREAM_POLL_MS: 50 });
    const stream = service.client.streamOrderUpdates({ customerId: "17850" });
    const following = take(stream, 1);
    await service.store.query(`
      insert into orders (id, customer_id, currency_code, total_minor_units, payment_method, line_count)
      values ('ord_1', '17850', 'GBP', 1, 'pm_card_ok', 1)`);
    await service.store.query(`
      insert into order_events (order_id, sequence, state, customer_id, customer_sequence)
      values ('ord_1', 1, 'PENDING', '17850', 1)`);
    expect((await following)[0]?.event?.orderId).toBe("ord_1");
  });

  test("holds no connection while its client does not read, and ends with it", async () => {
    await using service = await startOrderService({ DATABASE_CONNECTIONS: 1 });
    const orderId = await place(service);
    const abort = new AbortController();
    const streams = Array.from({ length: 20 }, () =>
      service.client.streamOrderUpdates({ orderId }, { signal: abort.signal })[Symbol.asyncIterator](),
    );
    await Promise.all(streams.map((it) => it.next()));
    expect((await service.client.getOrder({ orderId })).order?.id).toBe(orderId);
    const waiting = streams.map((it) => it.next());
    abort.abort();
    const ends = await Promise.allSettled(waiting);
    expect(ends.every((it) => it.status === "rejected" && it.reason.code === Status.CANCELLED)).toBe(true);
  });

  test("keeps no call waiting while the log is slow to read", async () => {
    await using service = await startOrderService({ DATABASE_CONNECTIONS: 1 });
    const orderId = await place(service);
    await service.store.query("begin");
    await service.store.query("lock table order_events in access exclusive mode");
    const following = take(service.client.streamOrderUpdates({ orderId }), 1);
    const waiting = "select from pg_locks where not granted and relation = 'order_events'::regclass";
    await expect.poll(() => service.store.query(waiting), { interval: 5 }).not.toEqual([]);
    expect((await service.client.getOrder({ orderId })).order?.id).toBe(orderId);
    await service.store.query("rollback");
    expect((await following)[0]?.event?.sequence).toBe(1n);
  });

  test.each([
    [0, 4_000],
    [0.5, 5_000],
    [0.99, 5_980],
  ])("does not look when the other streams do: with chance %s, after %s ms of 5000", async (random, waitMs) => {
    const waits: number[] = [];
    const stop = new AbortController();
    const news = {
      next: async (_signal: AbortSignal, maxWaitMs: number) => {
        if (waits.push(maxWaitMs) === 1) return;
        stop.abort();
        stop.signal.throwIfAborted();
      },
      [Symbol.dispose]: () => undefined,
    };
    const empty = async () => ({ events: [], isLast: false });
    const deps = { readOrderEvents: empty, readCustomerEvents: empty, subscribe: () => news };
    const times = { heartbeatMs: 15_000, pollMs: 5_000, now: () => 0, random: () => random };
    const handler = streamOrderUpdates({ ...deps, ...times });
    const context = { deadline: 60_000, signal: stop.signal } as Parameters<typeof handler>[1];
    const stream = handler({ orderId: "ord_1", customerId: undefined, afterSequence: 0n }, context);
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ name: "AbortError" });
    expect(waits.map(Math.round)).toEqual([waitMs, waitMs]);
  });

  test("refuses an order that is not there", async () => {
    await using service = await startOrderService();
    await expect(followToEnd(service.client, "ord_1")).rejects.toMatchObject({
      code: Status.NOT_FOUND,
      reason: "ORDER_NOT_FOUND",
    });
  });
});
