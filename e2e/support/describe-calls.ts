import { randomUUID } from "node:crypto";
import { describe, expect, inject, test } from "vitest";
import type { CommandLineClient } from "./command-line.ts";

/** What a stranger with a command-line client can do: all four streaming shapes, and errors that say what is wrong. */
export function describeCalls(client: CommandLineClient): void {
  const { targets } = inject("stack");
  const PRODUCTS = "ecommerce.product.v1.ProductService";
  const ORDERS = "ecommerce.order.v1.OrderService";
  const gbp = (minorUnits: number) => ({ currencyCode: "GBP", minorUnits: String(minorUnits) });

  async function aProductId(stock = 5): Promise<string> {
    const request = {
      name: "Lantern",
      price: gbp(250),
      stock,
      sku: `CLI-${randomUUID()}`,
      idempotencyKey: randomUUID(),
    };
    const { messages } = await client.call(targets.product, `${PRODUCTS}/CreateProduct`, request);
    return idOf(messages[0]?.product);
  }

  describe(client.name, () => {
    test.each([
      ["payment", "ecommerce.payment.v1.PaymentService"],
      ["product", PRODUCTS],
      ["order", ORDERS],
    ] as const)("lists the services of %s", async (name, service) => {
      const services = await client.listServices(targets[name]);
      expect(services).toEqual(expect.arrayContaining([service, "grpc.health.v1.Health"]));
    });

    test("checks the health", async () => {
      const { messages } = await client.call(targets.order, "grpc.health.v1.Health/Check", { service: ORDERS });
      expect(messages).toEqual([{ status: "SERVING" }]);
    });

    test("places an order and follows it to CONFIRMED", async () => {
      const order = {
        customerId: "command-line",
        items: [{ productId: await aProductId(), quantity: 2 }],
        idempotencyKey: randomUUID(),
        expectedTotal: gbp(500),
        paymentMethod: "pm_card_ok",
      };
      const created = await client.call(targets.order, `${ORDERS}/CreateOrder`, order);
      expect(created.messages).toMatchObject([{ order: { state: "STATE_PENDING", total: gbp(500) } }]);
      const orderId = idOf(created.messages[0]?.order);

      const updates = await client.call(targets.order, `${ORDERS}/StreamOrderUpdates`, { orderId });
      expect(updates.messages.map(({ event }) => (event as { state: string }).state)).toEqual([
        "STATE_PENDING",
        "STATE_STOCK_RESERVED",
        "STATE_PAID",
        "STATE_CONFIRMED",
      ]);
      expect(updates.exitCode).toBe(0);

      const repeated = await client.call(targets.order, `${ORDERS}/CreateOrder`, order);
      expect(repeated.messages).toEqual(created.messages);
    });

    test("sees a declined card cancel the order", async () => {
      const created = await client.call(targets.order, `${ORDERS}/CreateOrder`, {
        customerId: "command-line",
        items: [{ productId: await aProductId(), quantity: 1 }],
        idempotencyKey: randomUUID(),
        paymentMethod: "pm_card_declined",
      });
      const orderId = idOf(created.messages[0]?.order);
      const updates = await client.call(targets.order, `${ORDERS}/StreamOrderUpdates`, { orderId });
      expect(updates.messages.at(-1)).toMatchObject({
        event: { state: "STATE_CANCELLED", reason: "CANCEL_REASON_PAYMENT_DECLINED" },
      });
    });

    test("imports products over a client stream and lists them over a server stream", async () => {
      const mark = randomUUID();
      const row = (index: number) => ({ sku: `${mark}-${index}`, name: `Import ${mark}`, price: gbp(100), stock: 1 });
      const batches = [[0, 1], [2, 3], [4]].map((indexes) => ({ rows: indexes.map(row) }));
      const bad = { rows: [{ ...row(5), stock: -1 }] };
      const imported = await client.call(targets.product, `${PRODUCTS}/ImportProducts`, ...batches, bad);
      expect(imported.messages).toMatchObject([
        { receivedCount: "6", createdCount: "5", rejectedCount: "1", errors: [{ rowNumber: "6", field: "stock" }] },
      ]);
      const listed = await client.call(targets.product, `${PRODUCTS}/ListProducts`, { nameContains: mark });
      expect(listed.messages.flatMap(({ products }) => products)).toHaveLength(5);
    });

    test("watches stock over a bidirectional stream", async () => {
      const ids = [await aProductId(3), await aProductId(4)];
      const messages = ids.map((productId) => ({ subscribe: [productId] }));
      const watched = await client.call(targets.product, `${PRODUCTS}/WatchStock`, ...messages);
      const levels = watched.messages.map(({ level }) => level as { productId: string; stock: number });
      expect(levels.map(({ productId, stock }) => [productId, stock])).toEqual([
        [ids[0], 3],
        [ids[1], 4],
      ]);
    });

    test("is told what is wrong with a request", async () => {
      const { exitCode, stderr } = await client.call(targets.order, `${ORDERS}/GetOrder`, { orderId: "17" });
      expect(exitCode).not.toBe(0);
      for (const word of [/invalid_?argument|"code": 3\b/i, /VALIDATION_FAILED/, /order_id/])
        expect(stderr).toMatch(word);
    });

    test("is told what is not there", async () => {
      const { exitCode, stderr } = await client.call(targets.order, `${ORDERS}/GetOrder`, { orderId: "ord_none" });
      expect(exitCode).not.toBe(0);
      for (const word of [/not_?found|"code": 5\b/i, /ORDER_NOT_FOUND/, /ord_none/]) expect(stderr).toMatch(word);
    });
  });
}

function idOf(value: unknown): string {
  const { id } = Object(value) as { id?: unknown };
  if (typeof id !== "string") throw new Error(`It has no id: ${JSON.stringify(value)}`);
  return id;
}
