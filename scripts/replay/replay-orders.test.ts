import { describe, expect, test } from "vitest";
import { jumpingClock } from "./jumping-clock.fixture.ts";
import type { PlannedOrder } from "./orders-of.ts";
import { type ReplayOrdersDeps, replayOrders } from "./replay-orders.ts";

const anOrder = (minute: number): PlannedOrder => ({
  name: `order at ${minute}`,
  invoiceNo: "536365",
  isReturn: false,
  time: minute * 60_000,
  customerId: "17850",
  items: [],
  totalPence: 100n,
});

function deps(overrides: Partial<ReplayOrdersDeps> = {}): ReplayOrdersDeps {
  return {
    place: async ({ name }) => ({ kind: "accepted", orderId: name, totalPence: 100n, cancelledTooLate: false }),
    follow: async () => ({ kind: "terminal", state: "CONFIRMED", reason: "" }),
    speedUp: 60,
    concurrency: 16,
    clock: jumpingClock(),
    signal: new AbortController().signal,
    onPlaced: () => {},
    onSettled: () => {},
    ...overrides,
  };
}

describe("replayOrders()", () => {
  test("places each order at its time, compressed", async () => {
    const clock = jumpingClock();
    const placedAt: number[] = [];
    const { place } = deps();
    await replayOrders(
      [anOrder(500), anOrder(501), anOrder(501), anOrder(510)],
      deps({
        clock,
        place: (order) => {
          placedAt.push(clock.now());
          return place(order);
        },
      }),
    );
    expect(placedAt).toEqual([0, 1_000, 1_000, 10_000]);
  });

  test("waits for nothing at the highest speed-up", async () => {
    const clock = jumpingClock();
    await replayOrders([anOrder(0), anOrder(500)], deps({ clock, speedUp: Infinity }));
    expect(clock.slept).toEqual([]);
  });

  test("does not wait for an order to settle before it places the next one", async () => {
    const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
    let placed = 0;
    const onPlaced = () => {
      placed += 1;
      if (placed === 3) settle();
    };
    const { follow } = deps();
    const { outcomes } = await replayOrders(
      [anOrder(0), anOrder(1), anOrder(2)],
      deps({ onPlaced, concurrency: 1, follow: (id) => settled.then(() => follow(id)) }),
    );
    expect(outcomes).toHaveLength(3);
  });

  test("places no more orders at the same time than it may, and says how late that made them", async () => {
    const clock = jumpingClock();
    const { signal } = new AbortController();
    let [running, most] = [0, 0];
    const twoRun = Promise.withResolvers<void>();
    const { place } = deps();
    const { lateMs } = await replayOrders(
      [anOrder(0), anOrder(0), anOrder(0), anOrder(0)],
      deps({
        clock,
        concurrency: 2,
        place: async (order) => {
          most = Math.max(most, ++running);
          if (running === 2) twoRun.resolve();
          await twoRun.promise;
          await clock.sleep(700, signal);
          running -= 1;
          return place(order);
        },
      }),
    );
    expect(most).toBe(2);
    expect(lateMs).toBeGreaterThanOrEqual(700);
  });

  test("gives the outcomes in the order of the orders, whichever ends first", async () => {
    const first = Promise.withResolvers<void>();
    const { follow } = deps();
    const { outcomes } = await replayOrders(
      [anOrder(0), anOrder(1)],
      deps({
        follow: async (orderId) => {
          if (orderId === "order at 0") await first.promise;
          else first.resolve();
          return follow(orderId);
        },
      }),
    );
    expect(outcomes).toMatchObject([{ orderId: "order at 0" }, { orderId: "order at 1" }]);
  });

  test("ends with what goes wrong in one order", async () => {
    const bug = new Error("an event is missing");
    const follow = () => Promise.reject(bug);
    await expect(replayOrders([anOrder(0)], deps({ follow }))).rejects.toBe(bug);
  });

  test("places nothing more when it is interrupted", async () => {
    const interrupt = new AbortController();
    let placed = 0;
    const { place } = deps();
    const replayed = replayOrders(
      [anOrder(0), anOrder(5), anOrder(9)],
      deps({
        signal: interrupt.signal,
        place: (order) => {
          placed += 1;
          interrupt.abort();
          return place(order);
        },
      }),
    );
    await expect(replayed).rejects.toThrow(/abort/);
    expect(placed).toBe(1);
  });
});
