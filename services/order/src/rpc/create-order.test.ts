import { CreateOrderResponse } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { RemoteError, RpcError, Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { aCreateOrder } from "../testing/builders.ts";
import { silent, unavailable } from "../testing/script.ts";
import { startOrderService, type TestOrderService } from "../testing/start-order-service.ts";

const gbp = (minorUnits: bigint) => ({ currencyCode: "GBP", minorUnits });

/** Rows of every table that CreateOrder writes. */
async function written({ store }: TestOrderService): Promise<number> {
  const tables = ["orders", "order_lines", "order_events", "outbox", "idempotency_keys", "customer_counters"];
  const counts = tables.map((table) => `(select count(*) from ${table})`).join(" + ");
  const [row] = await store.query<{ rows: string }>(`select ${counts} as rows`);
  return Number(row?.rows);
}

describe("CreateOrder", () => {
  test("answers with the priced order, PENDING, and stores it with its first event", async () => {
    await using service = await startOrderService();
    const items = [
      { productId: "prod_b", quantity: 1 },
      { productId: "prod_a", quantity: 3 },
      { productId: "prod_b", quantity: 2 },
    ];
    const { order } = await service.client.createOrder(aCreateOrder({ items, expectedTotal: gbp(4_590n) }));
    expect(order).toMatchObject({
      id: expect.stringMatching(/^ord_[0-9a-f]{32}$/),
      customerId: "17850",
      state: 1,
      total: gbp(4_590n),
      cancelReason: 0,
      version: 1,
      transactionId: "",
      lines: [
        { productId: "prod_b", name: "Cake stand", quantity: 1, unitPrice: gbp(1_275n) },
        { productId: "prod_a", name: "White hanging heart", quantity: 3, unitPrice: gbp(255n) },
        { productId: "prod_b", name: "Cake stand", quantity: 2, unitPrice: gbp(1_275n) },
      ],
    });
    expect(service.product.calls).toEqual(["batchGetProducts"]);
    expect(await service.client.getOrder({ orderId: order?.id ?? "" })).toEqual({ order });
    expect(await service.store.query("select order_id, routing_key, payload, sent_at from outbox")).toEqual([
      {
        order_id: order?.id,
        routing_key: "order.created",
        sent_at: null,
        payload: {
          orderId: order?.id,
          sequence: "1",
          type: "TYPE_CREATED",
          state: "STATE_PENDING",
          time: order?.createTime?.toISOString(),
          customerId: "17850",
          customerSequence: "1",
        },
      },
    ]);
  });

  test("takes an order of 1,000 lines", async () => {
    await using service = await startOrderService();
    const items = Array.from({ length: 1_000 }, (_, index) => ({ productId: "prod_a", quantity: index + 1 }));
    const { order } = await service.client.createOrder(aCreateOrder({ items }));
    expect(order?.lines.map(({ quantity }) => quantity)).toEqual(items.map(({ quantity }) => quantity));
    expect(order?.total).toEqual(gbp(255n * 500_500n));
  });

  test("gives a repeat the same bytes: the catalogue down, the price changed, the order moved on", async () => {
    await using service = await startOrderService();
    const request = aCreateOrder();
    const first = await service.client.createOrder(request);
    await service.client.cancelOrder({ orderId: first.order?.id ?? "" });
    service.product.catalogue.clear();
    service.product.script = { before: unavailable };
    const again = await service.client.createOrder(request);
    expect(CreateOrderResponse.encode(again).finish()).toEqual(CreateOrderResponse.encode(first).finish());
    expect(service.product.calls).toHaveLength(1);
  });

  test("refuses the key with another body, and lets another customer have it", async () => {
    await using service = await startOrderService();
    const request = aCreateOrder({ idempotencyKey: "k-1" });
    const { order } = await service.client.createOrder(request);
    const other = { ...request, paymentMethod: "pm_card_slow" };
    await expect(service.client.createOrder(other)).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: "IDEMPOTENCY_KEY_REUSED",
      metadata: { idempotency_key: "k-1" },
    });
    const { order: others } = await service.client.createOrder({ ...request, customerId: "12583" });
    expect(others?.id).not.toBe(order?.id);
  });

  test("takes 50 at once with one key as one: equal answers or IDEMPOTENCY_KEY_IN_USE", async () => {
    await using service = await startOrderService();
    const request = aCreateOrder();
    const answers = await Promise.allSettled(Array.from({ length: 50 }, () => service.client.createOrder(request)));
    const bytes = answers.flatMap((it) =>
      it.status === "fulfilled" ? [Buffer.from(CreateOrderResponse.encode(it.value).finish()).toString("hex")] : [],
    );
    expect(new Set(bytes).size).toBe(1);
    expect(reasonsOf(answers).filter((it) => it !== "ABORTED IDEMPOTENCY_KEY_IN_USE")).toEqual([]);
    expect(await service.store.query("select count(*)::integer as orders from orders")).toEqual([{ orders: 1 }]);

    const changed = { ...request, items: [{ productId: "prod_b", quantity: 1 }] };
    const others = await Promise.allSettled(Array.from({ length: 50 }, () => service.client.createOrder(changed)));
    expect(new Set(reasonsOf(others))).toEqual(new Set(["INVALID_ARGUMENT IDEMPOTENCY_KEY_REUSED"]));
  });

  test("answers IDEMPOTENCY_KEY_IN_USE when the first call takes longer than a second", async () => {
    await using service = await startOrderService();
    const request = aCreateOrder({ idempotencyKey: "k-2" });
    await service.store.query("begin");
    await service.store.query(
      `insert into idempotency_keys (customer_id, method, key, request_hash, response)
       values ('17850', 'CreateOrder', 'k-2', '', '')`,
    );
    await expect(service.client.createOrder(request)).rejects.toMatchObject({
      code: Status.ABORTED,
      reason: "IDEMPOTENCY_KEY_IN_USE",
      retryAfterMs: 500,
    });
    // Its transaction fails: the key is free again.
    await service.store.query("rollback");
    expect((await service.client.createOrder(request)).order?.version).toBe(1);
  });

  test.each<[name: string, change: Parameters<typeof aCreateOrder>[0], error: object]>([
    [
      "an unknown product",
      { items: [{ productId: "prod_x", quantity: 1 }] },
      { code: Status.NOT_FOUND, reason: "PRODUCT_NOT_FOUND", metadata: { product_id: "prod_x" } },
    ],
    [
      "two currencies",
      {
        items: [
          { productId: "prod_a", quantity: 1 },
          { productId: "prod_euro", quantity: 1 },
        ],
      },
      {
        code: Status.FAILED_PRECONDITION,
        reason: "CURRENCY_MISMATCH",
        metadata: { product_id: "prod_euro", currency_code: "EUR" },
      },
    ],
    [
      "a total above 10^13",
      { items: [{ productId: "prod_dear", quantity: 1_001 }] },
      { code: Status.INVALID_ARGUMENT, reason: "TOTAL_TOO_LARGE" },
    ],
    [
      "another total than expected",
      { expectedTotal: gbp(509n) },
      {
        code: Status.FAILED_PRECONDITION,
        reason: "PRICE_CHANGED",
        metadata: { currency_code: "GBP", total_minor_units: "510" },
      },
    ],
    ["no items", { items: [] }, { code: Status.INVALID_ARGUMENT, reason: "VALIDATION_FAILED" }],
  ])("refuses %s and writes nothing", async (_name, change, error) => {
    await using service = await startOrderService();
    await expect(service.client.createOrder(aCreateOrder(change))).rejects.toMatchObject(error);
    expect(await written(service)).toBe(0);
  });

  test.each<[name: string, fault: typeof silent, error: object]>([
    ["does not answer in time", silent, { code: Status.DEADLINE_EXCEEDED, reason: "DEADLINE_EXCEEDED" }],
    ["is away", unavailable, { code: Status.UNAVAILABLE, reason: "DEPENDENCY_UNAVAILABLE" }],
    [
      "has a defect",
      () => {
        throw new RpcError(Status.INTERNAL, "INTERNAL", "secret of the catalogue");
      },
      { code: Status.INTERNAL, reason: "INTERNAL", message: expect.not.stringContaining("secret") },
    ],
  ])("writes nothing when the catalogue %s", async (_name, before, error) => {
    await using service = await startOrderService({ PRICING_TIMEOUT_MS: 200 });
    service.product.script = { before };
    await expect(service.client.createOrder(aCreateOrder())).rejects.toMatchObject(error);
    expect(await written(service)).toBe(0);
  });

  test("ends with its caller's deadline while the catalogue is silent", async () => {
    await using service = await startOrderService({ PRICING_TIMEOUT_MS: 4_000 });
    service.product.script = { before: silent };
    const call = service.client.createOrder(aCreateOrder(), { deadline: Date.now() + 300 });
    await expect(call).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(await written(service)).toBe(0);
  });
});

function reasonsOf(answers: readonly PromiseSettledResult<unknown>[]): string[] {
  return answers.flatMap((it) =>
    it.status === "rejected" && it.reason instanceof RemoteError
      ? [`${Status[it.reason.code]} ${it.reason.reason}`]
      : [],
  );
}
