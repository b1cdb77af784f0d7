import { Order_State } from "@holdfast/contracts/ecommerce/order/v1/order";
import { RpcError, Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { followOrder } from "./follow-order.ts";
import { jumpingClock } from "./jumping-clock.fixture.ts";
import { anOrderService, eventsOf, type OrderHandlers } from "./order-service.fixture.ts";
import { persistence } from "./persistence.ts";

const { STATE_PENDING, STATE_STOCK_RESERVED, STATE_PAID, STATE_CONFIRMED, STATE_CANCELLED } = Order_State;
const { signal } = new AbortController();

async function follow(streamOrderUpdates: OrderHandlers["streamOrderUpdates"]) {
  await using service = await anOrderService({ streamOrderUpdates });
  const clock = jumpingClock();
  const patience = persistence({ clock, signal, giveUpAfterMs: 120_000 });
  return await followOrder("ord_1", { orders: service.orders, persistence: patience, clock, signal });
}

const away = () => new RpcError(Status.UNAVAILABLE, "DRAINING", "Away");

describe("followOrder()", () => {
  test("follows an order to CONFIRMED", async () => {
    const end = await follow(async function* () {
      yield { heartbeatTime: new Date() };
      for (const event of eventsOf("ord_1", STATE_PENDING, STATE_STOCK_RESERVED, STATE_PAID, STATE_CONFIRMED)) {
        yield { event };
      }
    });
    expect(end).toEqual({ kind: "terminal", state: "CONFIRMED", reason: "" });
  });

  test("tells why an order was cancelled", async () => {
    const end = await follow(async function* () {
      for (const event of eventsOf("ord_1", STATE_PENDING, STATE_CANCELLED)) yield { event };
    });
    expect(end).toEqual({ kind: "terminal", state: "CANCELLED", reason: "CUSTOMER_REQUEST" });
  });

  test("goes on after the last event when the stream breaks or just ends", async () => {
    const events = eventsOf("ord_1", STATE_PENDING, STATE_STOCK_RESERVED, STATE_PAID, STATE_CONFIRMED);
    const asked: bigint[] = [];
    const end = await follow(async function* ({ afterSequence }) {
      asked.push(afterSequence);
      const event = events[Number(afterSequence)];
      if (event !== undefined) yield { event };
      if (asked.length % 2 === 1) throw away();
    });
    expect(asked).toEqual([0n, 1n, 2n, 3n]);
    expect(end).toMatchObject({ state: "CONFIRMED" });
  });

  test("gives up on an order that does not get on", async () => {
    const end = await follow(async function* ({ afterSequence }) {
      const [event] = eventsOf("ord_1", STATE_PENDING).slice(Number(afterSequence));
      if (event !== undefined) yield { event };
    });
    expect(end).toEqual({ kind: "not terminal", state: "PENDING" });
  });

  test("gives up when the service stays away", async () => {
    const end = await follow(() => {
      throw away();
    });
    expect(end).toEqual({ kind: "not terminal", state: "UNSPECIFIED" });
  });

  test.each([
    ["is missing", [0, 2]],
    ["comes twice", [0, 0]],
  ])("says so when an event %s", async (_, sent) => {
    const events = eventsOf("ord_1", STATE_PENDING, STATE_STOCK_RESERVED, STATE_PAID);
    const followed = follow(async function* () {
      for (const index of sent) {
        const event = events[index];
        if (event !== undefined) yield { event };
      }
    });
    await expect(followed).rejects.toThrow(/is due/);
  });

  test("passes on what will not pass", async () => {
    const followed = follow(() => {
      throw new RpcError(Status.NOT_FOUND, "ORDER_NOT_FOUND", "No such order", { order_id: "ord_1" });
    });
    await expect(followed).rejects.toMatchObject({ reason: "ORDER_NOT_FOUND" });
  });
});
