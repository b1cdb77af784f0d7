import { RpcError, Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { aCreateOrder } from "../testing/builders.ts";
import { endOf, followToEnd, statesOf } from "../testing/follow-to-end.ts";
import { silent, unavailable } from "../testing/script.ts";
import { startOrderService, type TestOrderService } from "../testing/start-order-service.ts";

/** Places an order and follows it to its end. */
async function run({ client }: TestOrderService, change: Parameters<typeof aCreateOrder>[0] = {}) {
  const { order } = await client.createOrder(aCreateOrder(change));
  const id = order?.id ?? "";
  const events = await followToEnd(client, id);
  const { order: end } = await client.getOrder({ orderId: id });
  if (end === undefined) throw new Error("The order is gone");
  return { id, states: statesOf(events), end };
}

describe("startSagaWorker()", () => {
  test("takes an order from PENDING to CONFIRMED", async () => {
    await using service = await startOrderService();
    service.startWorker();
    const { id, states, end } = await run(service);
    expect(states).toBe("PENDING STOCK_RESERVED PAID CONFIRMED");
    expect(end).toMatchObject({ version: 4, transactionId: "txn_1" });
    expect(service.payment.charges).toMatchObject([{ key: `${id}:capture:1`, minorUnits: 510n, state: "COMPLETED" }]);
    expect(service.product.reservations.get(id)).toBe("COMMITTED");
    expect(service.product.calls).toEqual(["batchGetProducts", "reserveStock", "commitStock"]);
    expect(service.payment.calls).toEqual(["charge"]);
  });

  test.each(["OUT_OF_STOCK", "PRODUCT_NOT_FOUND"] as const)("cancels on %s, and releases", async (reason) => {
    await using service = await startOrderService();
    service.product.script = {
      before: ({ method }) => {
        if (method === "reserveStock") throw new RpcError(Status.FAILED_PRECONDITION, reason, "No");
      },
    };
    service.startWorker();
    const { id, states } = await run(service);
    expect(states).toBe("PENDING CANCELLED(OUT_OF_STOCK)");
    expect(service.product.reservations.get(id)).toBe("RELEASED");
    expect(service.payment.calls).toEqual([]);
  });

  test.each(["pm_card_declined", "pm_unheard_of"])(
    "cancels when %s is declined, and releases",
    async (paymentMethod) => {
      await using service = await startOrderService();
      service.startWorker();
      const { id, states } = await run(service, { paymentMethod });
      expect(states).toBe("PENDING STOCK_RESERVED CANCELLED(PAYMENT_DECLINED)");
      expect(service.product.reservations.get(id)).toBe("RELEASED");
    },
  );

  test("comes through while every neighbour fails once at every call", async () => {
    await using service = await startOrderService();
    const failOnce = ({ attempt }: { attempt: number }) => {
      if (attempt === 1) unavailable();
    };
    service.payment.script = { before: failOnce };
    service.startWorker();
    const { order } = await service.client.createOrder(aCreateOrder());
    service.product.script = { before: failOnce };
    expect(statesOf(await followToEnd(service.client, order?.id ?? ""))).toBe("PENDING STOCK_RESERVED PAID CONFIRMED");
    expect(service.payment.charges).toHaveLength(1);
  });

  test.each<[string, "before" | "after", typeof silent, string[]]>([
    ["the answer of the charge is lost", "after", unavailable, ["charge", "getTransactionStatus"]],
    ["the charge times out after its capture", "after", silent, ["charge", "getTransactionStatus"]],
    ["the charge is lost", "before", unavailable, ["charge", "getTransactionStatus", "charge"]],
  ])("asks before it charges again when %s", async (_name, when, fault, calls) => {
    await using service = await startOrderService({ STEP_TIMEOUT_MS: 2_000 });
    service.payment.script = {
      [when]: (call: Parameters<typeof silent>[0]) =>
        call.method === "charge" && call.attempt === 1 ? fault(call) : undefined,
    };
    service.startWorker();
    const { id, states } = await run(service);
    expect(states).toBe("PENDING STOCK_RESERVED PAID CONFIRMED");
    expect(service.payment.calls).toEqual(calls);
    expect(service.payment.charges.map(({ key }) => key)).toEqual([`${id}:capture:1`]);
  });

  test("cancels when somebody else's charge has its key: that is not the order's, and is not given back", async () => {
    await using service = await startOrderService();
    const { order } = await service.client.createOrder(aCreateOrder());
    const id = order?.id ?? "";
    const other = { orderId: "ord_other", customerId: "17850", currencyCode: "JPY", minorUnits: 1n };
    service.payment.charges.push({ id: "txn_1", key: `${id}:capture:1`, state: "COMPLETED", ...other });
    service.startWorker();
    const states = statesOf(await followToEnd(service.client, id));
    expect(states).toBe("PENDING STOCK_RESERVED CANCELLED(PAYMENT_DECLINED)");
    expect(service.product.reservations.get(id)).toBe("RELEASED");
    expect(service.payment.calls).toEqual(["charge", "getTransactionStatus"]);
  });

  test("cancels what has been charged under another key, once that charge cannot fail any more", async () => {
    await using service = await startOrderService();
    service.payment.script = {
      before: ({ method, attempt }) => {
        if (method !== "charge") return;
        const metadata = { state: attempt === 1 ? "PENDING" : "COMPLETED" };
        throw new RpcError(Status.FAILED_PRECONDITION, "ORDER_ALREADY_CHARGED", "It is", metadata);
      },
    };
    service.startWorker();
    const { id, states } = await run(service);
    expect(states).toBe("PENDING STOCK_RESERVED CANCELLED(PAYMENT_DECLINED)");
    expect(service.product.reservations.get(id)).toBe("RELEASED");
    expect(service.payment.calls).toEqual(["charge", "getTransactionStatus", "charge"]);
  });

  test("waits for a charge that is PENDING", async () => {
    await using service = await startOrderService();
    service.payment.outcome = "PENDING";
    service.payment.script = {
      before: ({ method, attempt }) => {
        const [charge] = service.payment.charges;
        if (method === "getTransactionStatus" && attempt === 3 && charge) charge.state = "COMPLETED";
      },
    };
    service.startWorker();
    const { states } = await run(service);
    expect(states).toBe("PENDING STOCK_RESERVED PAID CONFIRMED");
    expect(service.payment.calls.filter((it) => it === "charge")).toHaveLength(1);
  });

  test("gives the money back when the reservation turns out to be gone", async () => {
    await using service = await startOrderService();
    service.product.script = {
      before: ({ method, orderId }) => {
        if (method === "commitStock") service.product.reservations.set(orderId, "RELEASED");
      },
    };
    service.startWorker();
    const { id, states } = await run(service);
    expect(states).toBe("PENDING STOCK_RESERVED PAID CANCELLED(OUT_OF_STOCK)");
    expect(service.payment.refundKeys).toEqual([`${id}:refund:1`]);
  });

  test("cancels an order whose time is over while its charge is unknown: refunded, then released", async () => {
    await using service = await startOrderService();
    const received = Promise.withResolvers<void>();
    service.payment.script = {
      after: ({ method }) => {
        received.resolve();
        if (method === "charge") unavailable();
      },
    };
    const worker = service.startWorker();
    const { order } = await service.client.createOrder(aCreateOrder());
    const id = order?.id ?? "";
    await received.promise;
    await worker.stop({ graceMs: 5_000 });
    service.startWorker({ store: service.store.openAnother({ ORDER_EXPIRES_MS: 1 }) });
    const states = statesOf(await followToEnd(service.client, id));
    expect(states).toBe("PENDING STOCK_RESERVED PAID CANCELLED(EXPIRED)");
    expect(service.payment.charges).toMatchObject([{ state: "REFUNDED" }]);
    expect(service.product.reservations.get(id)).toBe("RELEASED");
  });

  test("shares the orders with other workers: each call is made once", async () => {
    await using service = await startOrderService();
    service.startWorker();
    service.startWorker({ store: service.store.openAnother() });
    service.startWorker({ store: service.store.openAnother() });
    const orders = await Promise.all(
      Array.from({ length: 40 }, (_, index) => run(service, { customerId: `customer-${index % 4}` })),
    );
    expect(new Set(orders.map(({ states }) => states))).toEqual(new Set(["PENDING STOCK_RESERVED PAID CONFIRMED"]));
    expect(service.payment.calls).toHaveLength(40);
    expect(service.product.calls).toHaveLength(40 * 3);
  });
});

describe("SagaWorker.stop()", () => {
  test("finishes the call under way, gives the lease back, and another worker goes on at once", async () => {
    await using service = await startOrderService();
    const received = Promise.withResolvers<void>();
    const mayAnswer = Promise.withResolvers<void>();
    service.payment.script = {
      after: async ({ method }) => {
        received.resolve();
        if (method === "charge") await mayAnswer.promise;
      },
    };
    const worker = service.startWorker();
    const { order } = await service.client.createOrder(aCreateOrder());
    await received.promise;
    const stopped = worker.stop({ graceMs: 5_000 });
    mayAnswer.resolve();
    await stopped;
    const { order: left } = await service.client.getOrder({ orderId: order?.id ?? "" });
    expect(left && endOf(left)).toBe("PAID");
    expect(await service.store.query("select lease_until from orders")).toEqual([{ lease_until: null }]);

    service.startWorker();
    expect(statesOf(await followToEnd(service.client, order?.id ?? ""))).toContain("CONFIRMED");
    expect(service.payment.calls).toEqual(["charge"]);
  });

  test("waits no longer than its grace: the outcome is unknown then, and asked for by the next one", async () => {
    await using service = await startOrderService({ STEP_TIMEOUT_MS: 8_000 });
    const received = Promise.withResolvers<void>();
    service.payment.script = {
      after: (call) => {
        received.resolve();
        return call.method === "charge" ? silent(call) : undefined;
      },
    };
    const worker = service.startWorker();
    const { order } = await service.client.createOrder(aCreateOrder());
    await received.promise;
    const begin = performance.now();
    await worker.stop({ graceMs: 50 });
    expect(performance.now() - begin).toBeLessThan(2_000);
    service.startWorker();
    expect(statesOf(await followToEnd(service.client, order?.id ?? ""))).toContain("CONFIRMED");
    expect(service.payment.calls).toEqual(["charge", "getTransactionStatus"]);
  });
});
