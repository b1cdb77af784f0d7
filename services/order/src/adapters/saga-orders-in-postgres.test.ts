import { describe, expect, test } from "vitest";
import type { Claim } from "../domain/saga/job.ts";
import { type Answer, SagaStep } from "../domain/saga/saga.ts";
import { anAcceptance, aScope } from "../testing/builders.ts";
import { openTestStore, type TestStore } from "../testing/open-test-store.ts";

const RESERVED: Answer = { step: SagaStep.ReserveStock, answer: { kind: "reserved" } };
const UNKNOWN: Answer = { step: SagaStep.ReserveStock, answer: { kind: "unknown", why: "UNAVAILABLE" } };
const noPause = () => 0;

async function accepted(store: TestStore, customerId = "17850"): Promise<string> {
  const acceptance = anAcceptance({ customerId });
  await store.acceptOrder(acceptance, aScope());
  return acceptance.order.id;
}

async function claimOne({ sagaOrders }: Pick<TestStore, "sagaOrders">): Promise<Claim> {
  const [claim] = await sagaOrders.claim(1, aScope());
  if (claim === undefined) throw new Error("No order is due");
  return claim;
}

describe("claim()", () => {
  test("gives each order to one worker, the longest due first, up to the limit", async () => {
    await using store = await openTestStore();
    const ids = [await accepted(store), await accepted(store), await accepted(store)];
    const first = await store.sagaOrders.claim(2, aScope());
    const second = await store.sagaOrders.claim(2, aScope());
    expect(first.map(({ orderId }) => orderId).sort()).toEqual(ids.slice(0, 2).sort());
    expect(second.map(({ orderId }) => orderId)).toEqual(ids.slice(2));
    expect(await store.sagaOrders.claim(2, aScope())).toEqual([]);
  });

  test("shares out 60 orders among workers that claim at the same time, each once", async () => {
    await using store = await openTestStore();
    await store.query(`
      insert into orders (id, customer_id, currency_code, total_minor_units, payment_method, line_count)
      select 'ord_' || i, '17850', 'GBP', 1, 'pm_card_ok', 1 from generate_series(1, 60) i`);
    const claims = await Promise.all(Array.from({ length: 12 }, () => store.sagaOrders.claim(5, aScope())));
    const ids = claims.flat().map(({ orderId }) => orderId);
    expect(new Set(ids).size).toBe(ids.length);
    const rest = await store.sagaOrders.claim(60, aScope());
    expect(ids.length + rest.length).toBe(60);
  });

  test("takes over when the lease is over, under a higher fence", async () => {
    await using store = await openTestStore({ LEASE_MS: 1 });
    await accepted(store);
    const zombie = await claimOne(store);
    const heir = await claimOne(store);
    expect(heir).toEqual({ orderId: zombie.orderId, fence: zombie.fence + 1n });
  });

  test("leaves an order alone that pauses", async () => {
    await using store = await openTestStore();
    await accepted(store);
    const claim = await claimOne(store);
    await store.sagaOrders.start(claim, aScope());
    await store.sagaOrders.record(claim, UNKNOWN, () => 60_000, aScope());
    expect(await store.sagaOrders.claim(1, aScope())).toEqual([]);
  });
});

describe("start()", () => {
  test("records the attempt and gives what the call needs", async () => {
    await using store = await openTestStore();
    const orderId = await accepted(store);
    const claim = await claimOne(store);
    expect(await store.sagaOrders.start(claim, aScope())).toMatchObject({
      call: { step: "reserve_stock" },
      attempts: 1,
      orderId,
      customerId: "17850",
      total: { currencyCode: "GBP", minorUnits: 510n },
      paymentMethod: "pm_card_ok",
      items: [{ productId: "prod_a", quantity: 2 }],
    });
    await store.sagaOrders.record(claim, RESERVED, noPause, aScope());
    expect(await store.sagaOrders.start(claim, aScope())).toMatchObject({ call: { step: "charge" }, items: [] });
    expect(await store.query("select step, attempts, charge_started_at is not null as charged from orders")).toEqual([
      { step: "ask_charge", attempts: 1, charged: true },
    ]);
  });

  test("starts nothing when the lease is over, though nobody has taken over", async () => {
    await using store = await openTestStore({ LEASE_MS: 1 });
    await accepted(store);
    const claim = await claimOne(store);
    expect(await store.sagaOrders.start(claim, aScope())).toBeUndefined();
    expect(await store.query("select attempts from orders")).toEqual([{ attempts: 0 }]);
  });

  test("tells by the database's clock that an order's time is over", async () => {
    await using store = await openTestStore({ ORDER_EXPIRES_MS: 1 });
    await accepted(store);
    const claim = await claimOne(store);
    expect(await store.sagaOrders.start(claim, aScope())).toMatchObject({ call: { step: "release_stock" } });
  });
});

describe("record()", () => {
  test("commits the state with its version, event and outbox row", async () => {
    await using store = await openTestStore();
    const orderId = await accepted(store);
    const claim = await claimOne(store);
    await store.sagaOrders.start(claim, aScope());
    await store.sagaOrders.record(claim, RESERVED, noPause, aScope());
    expect(await store.findOrder(orderId, aScope())).toMatchObject({ state: "STOCK_RESERVED", version: 2 });
    expect(
      await store.query("select sequence, routing_key, payload ->> 'state' as state from outbox order by id"),
    ).toEqual([
      { sequence: 1, routing_key: "order.created", state: "STATE_PENDING" },
      { sequence: 2, routing_key: "order.stock_reserved", state: "STATE_STOCK_RESERVED" },
    ]);
    const { events } = await store.readCustomerEvents("17850", 0n, 10, aScope());
    expect(events.map(({ sequence, customerSequence }) => [sequence, customerSequence])).toEqual([
      [1, 1n],
      [2, 2n],
    ]);
  });

  test("writes nothing for a worker that somebody has taken over from", async () => {
    await using store = await openTestStore({ LEASE_MS: 1 });
    await accepted(store);
    const zombie = await claimOne(store);
    const heir = await claimOne(store);
    expect(await store.sagaOrders.record(zombie, RESERVED, noPause, aScope())).toBeUndefined();
    expect(await store.query("select state, version from orders")).toEqual([{ state: "PENDING", version: 1 }]);
    expect(await store.sagaOrders.record(heir, RESERVED, noPause, aScope())).toBeDefined();
    await store.sagaOrders.giveBack(zombie, aScope());
    expect(await store.query("select fence::text, lease_until is null as free from orders")).toEqual([
      { fence: String(heir.fence), free: false },
    ]);
  });

  test("numbers a customer's events without a gap, while orders are accepted, moved on and refused at once", async () => {
    await using store = await openTestStore();
    for (let order = 0; order < 5; order++) await accepted(store);
    const claims = await store.sagaOrders.claim(5, aScope());
    const key = anAcceptance().key;
    await Promise.all([
      ...claims.map((claim) => store.sagaOrders.record(claim, RESERVED, noPause, aScope())),
      ...Array.from({ length: 5 }, () => accepted(store)),
      // Of these one is accepted; the transactions of the others come to nothing.
      ...Array.from({ length: 5 }, () => store.acceptOrder(anAcceptance({}, key), aScope())),
    ]);
    const rows = await store.query<{ number: string }>(
      "select customer_sequence as number from order_events order by customer_sequence",
    );
    expect(rows.map(({ number }) => Number(number))).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
  });
});
