import { Order_State } from "@holdfast/contracts/ecommerce/order/v1/order";
import type { CreateOrderRequest } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { RpcError, Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { jumpingClock } from "./jumping-clock.fixture.ts";
import { accepted, anOrderService, eventsOf, type OrderHandlers } from "./order-service.fixture.ts";
import type { PlannedOrder } from "./orders-of.ts";
import { persistence } from "./persistence.ts";
import { placeOrder } from "./place-order.ts";

const { signal } = new AbortController();

const anOrder = (order: Partial<PlannedOrder> = {}): PlannedOrder => ({
  name: "536365",
  invoiceNo: "536365",
  isReturn: false,
  time: 0,
  customerId: "17850",
  items: [{ sku: "85123A@2.55", quantity: 6 }],
  totalPence: 1530n,
  ...order,
});
const aReturn = (name: string) => anOrder({ name, invoiceNo: name, isReturn: true });

async function place(order: PlannedOrder, handlers: Partial<OrderHandlers>) {
  await using service = await anOrderService(handlers);
  const deps = { signal, paymentMethod: "pm_card_ok", run: "r1", productIds: new Map([["85123A@2.55", "prod_1"]]) };
  const patience = persistence({ clock: jumpingClock(), signal, giveUpAfterMs: 3_000 });
  return await placeOrder(order, { ...deps, orders: service.orders, persistence: patience });
}

const away = () => new RpcError(Status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "Away");

describe("placeOrder()", () => {
  test("asks for what stands on the invoice", async () => {
    const requests: CreateOrderRequest[] = [];
    const placed = await place(anOrder(), {
      createOrder: async (request) => {
        requests.push(request);
        return accepted(request);
      },
    });
    expect(requests).toMatchObject([
      {
        customerId: "17850",
        items: [{ productId: "prod_1", quantity: 6 }],
        idempotencyKey: "replay-r1-536365",
        expectedTotal: { currencyCode: "GBP", minorUnits: 1530n },
        paymentMethod: "pm_card_ok",
      },
    ]);
    expect(placed).toEqual({ kind: "accepted", orderId: "ord_1", totalPence: 1530n, cancelledTooLate: false });
  });

  test("repeats with the same key while the service is away", async () => {
    const keys: string[] = [];
    const placed = await place(anOrder({ name: "536365/2" }), {
      createOrder: async (request) => {
        keys.push(request.idempotencyKey);
        if (keys.length < 3) throw away();
        return accepted(request);
      },
    });
    expect(keys).toEqual(Array.from({ length: 3 }, () => "replay-r1-536365/2"));
    expect(placed).toMatchObject({ kind: "accepted" });
  });

  test("gives up on a service that stays away", async () => {
    const createOrder = () => {
      throw away();
    };
    expect(await place(anOrder(), { createOrder })).toMatchObject({
      kind: "given up",
      error: { reason: "DEPENDENCY_UNAVAILABLE" },
    });
  });

  test("reports a price that is not the file's", async () => {
    const createOrder = () => {
      throw new RpcError(Status.FAILED_PRECONDITION, "PRICE_CHANGED", "Dearer");
    };
    expect(await place(anOrder(), { createOrder })).toMatchObject({
      kind: "refused",
      error: { reason: "PRICE_CHANGED" },
    });
  });

  test("cancels a return with an odd number at once, paid slowly", async () => {
    const calls: string[] = [];
    await place(aReturn("C536379"), {
      createOrder: async (request) => {
        calls.push(request.paymentMethod);
        return accepted(request);
      },
      cancelOrder: async ({ orderId }) => {
        calls.push(`cancel ${orderId}`);
        return {};
      },
    });
    expect(calls).toEqual(["pm_card_slow", "cancel ord_1"]);
  });

  test("cancels a return with an even number when its charge is the next step", async () => {
    const calls: string[] = [];
    await place(aReturn("C536380"), {
      createOrder: async (request) => accepted(request),
      streamOrderUpdates: async function* () {
        for (const event of eventsOf("ord_1", Order_State.STATE_PENDING, Order_State.STATE_STOCK_RESERVED)) {
          calls.push(`event ${event.sequence}`);
          yield { event };
        }
      },
      cancelOrder: async () => {
        calls.push("cancel");
        return {};
      },
    });
    expect(calls).toEqual(["event 1", "event 2", "cancel"]);
  });

  test("cancels a return though its stream breaks", async () => {
    let cancelled = false;
    await place(aReturn("C536380"), {
      createOrder: async (request) => accepted(request),
      streamOrderUpdates: () => {
        throw away();
      },
      cancelOrder: async () => {
        cancelled = true;
        return {};
      },
    });
    expect(cancelled).toBe(true);
  });

  test("reports a cancellation that came too late", async () => {
    const placed = await place(aReturn("C536379"), {
      createOrder: async (request) => accepted(request),
      cancelOrder: () => {
        throw new RpcError(Status.FAILED_PRECONDITION, "ORDER_NOT_CANCELLABLE", "Confirmed");
      },
    });
    expect(placed).toMatchObject({ kind: "accepted", cancelledTooLate: true });
  });
});
