import { Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { aCreateOrder } from "../testing/builders.ts";
import { endOf, followToEnd, statesOf } from "../testing/follow-to-end.ts";
import { type ReceivedCall, unavailable } from "../testing/script.ts";
import { startOrderService, type TestOrderService } from "../testing/start-order-service.ts";

async function place({ client }: TestOrderService): Promise<string> {
  const { order } = await client.createOrder(aCreateOrder());
  return order?.id ?? "";
}

/** Holds back one method's call, and tells when it has come. */
function hold(method: string) {
  const come = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const script = (call: ReceivedCall) => {
    if (call.method !== method) return undefined;
    come.resolve();
    return goOn.promise;
  };
  return { come: come.promise, goOn: goOn.resolve, script };
}

describe("CancelOrder", () => {
  test("cancels an order before anything was taken, once however often it is asked", async () => {
    await using service = await startOrderService();
    const orderId = await place(service);
    const { order } = await service.client.cancelOrder({ orderId });
    expect(order && endOf(order)).toBe("PENDING(CUSTOMER_REQUEST)");
    expect(await service.client.cancelOrder({ orderId })).toEqual({ order });
    service.startWorker();
    expect(statesOf(await followToEnd(service.client, orderId))).toBe("PENDING CANCELLED(CUSTOMER_REQUEST)");
    expect(service.product.reservations.get(orderId)).toBe("RELEASED");
    expect(service.payment.calls).toEqual([]);
    const { order: again } = await service.client.cancelOrder({ orderId });
    expect(again && endOf(again)).toBe("CANCELLED(CUSTOMER_REQUEST)");
  });

  test("gives back what was charged when it comes while the charge is under way", async () => {
    await using service = await startOrderService();
    const charge = hold("charge");
    service.payment.script = { before: charge.script };
    service.startWorker();
    const orderId = await place(service);
    await charge.come;
    const { order } = await service.client.cancelOrder({ orderId });
    expect(order && endOf(order)).toBe("STOCK_RESERVED(CUSTOMER_REQUEST)");
    charge.goOn();
    const states = statesOf(await followToEnd(service.client, orderId));
    expect(states).toBe("PENDING STOCK_RESERVED PAID CANCELLED(CUSTOMER_REQUEST)");
    expect(service.payment.refundKeys).toEqual([`${orderId}:refund:1`]);
    expect(service.product.reservations.get(orderId)).toBe("RELEASED");
  });

  test("spends the key of a charge that may be in some queue before it ends", async () => {
    await using service = await startOrderService();
    let cancelled = false;
    service.payment.script = {
      before: ({ method }) => {
        if (method === "charge" && !cancelled) unavailable();
        if (method === "getTransactionStatus" && !cancelled) unavailable();
      },
    };
    service.startWorker();
    const orderId = await place(service);
    await expect.poll(() => service.payment.calls, { timeout: 5_000 }).toContain("getTransactionStatus");
    await service.client.cancelOrder({ orderId });
    cancelled = true;
    const states = statesOf(await followToEnd(service.client, orderId));
    expect(states).toBe("PENDING STOCK_RESERVED PAID CANCELLED(CUSTOMER_REQUEST)");
    expect(service.payment.charges).toMatchObject([{ key: `${orderId}:capture:1`, state: "REFUNDED" }]);
  });

  test("is refused once the commit has started, and the order is confirmed", async () => {
    await using service = await startOrderService();
    const commit = hold("commitStock");
    service.product.script = { before: commit.script };
    service.startWorker();
    const orderId = await place(service);
    await commit.come;
    const refused = { code: Status.FAILED_PRECONDITION, reason: "ORDER_NOT_CANCELLABLE" };
    await expect(service.client.cancelOrder({ orderId })).rejects.toMatchObject({
      ...refused,
      metadata: { order_id: orderId, state: "PAID" },
    });
    commit.goOn();
    expect(statesOf(await followToEnd(service.client, orderId))).toBe("PENDING STOCK_RESERVED PAID CONFIRMED");
    await expect(service.client.cancelOrder({ orderId })).rejects.toMatchObject({
      ...refused,
      metadata: { order_id: orderId, state: "CONFIRMED" },
    });
  });

  test("refuses an order that is not there", async () => {
    await using service = await startOrderService();
    await expect(service.client.cancelOrder({ orderId: "ord_1" })).rejects.toMatchObject({ reason: "ORDER_NOT_FOUND" });
  });
});
