import { randomUUID } from "node:crypto";
import { CreateOrderResponse } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { RemoteError, Status } from "@holdfast/rpc";
import pg from "pg";
import { describe, expect, inject, test } from "vitest";
import { anOrder, aProduct, clients, settled } from "./support/clients.ts";

describe("CreateOrder with one idempotency key", () => {
  test("50 times at once is one order: equal answers, or ABORTED", async () => {
    const all = clients();
    const product = await aProduct(all);
    const request = anOrder(product);
    const answers = await Promise.allSettled(Array.from({ length: 50 }, () => all.orders.createOrder(request)));

    const bytes = answers
      .filter((answer) => answer.status === "fulfilled")
      .map(({ value }) => Buffer.from(CreateOrderResponse.encode(value).finish()).toString("hex"));
    expect(new Set(bytes).size).toBe(1);
    const errors = answers.filter((answer) => answer.status === "rejected").map(({ reason }) => reason as RemoteError);
    expect(errors.filter(({ code }) => code !== Status.ABORTED)).toEqual([]);

    const { orders } = await all.orders.listOrders({ customerId: request.customerId });
    expect(orders).toHaveLength(1);
  });

  test("and another body is refused, 50 times", async () => {
    const all = clients();
    const product = await aProduct(all);
    const request = anOrder(product);
    await all.orders.createOrder(request);
    const other = { ...request, items: [{ productId: product.id, quantity: 2 }] };
    const answers = await Promise.allSettled(Array.from({ length: 50 }, () => all.orders.createOrder(other)));
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: "rejected",
        reason: { code: Status.INVALID_ARGUMENT, reason: "IDEMPOTENCY_KEY_REUSED" },
      });
    }
    const { orders } = await all.orders.listOrders({ customerId: request.customerId });
    expect(orders).toHaveLength(1);
  });

  test("50 times at once with 25 bodies: one wins, the others are refused", async () => {
    const all = clients();
    const product = await aProduct(all);
    const request = anOrder(product);
    const bodies = Array.from({ length: 50 }, (_, index) => ({
      ...request,
      items: [{ productId: product.id, quantity: 1 + (index % 25) }],
    }));
    const answers = await Promise.allSettled(bodies.map((body) => all.orders.createOrder(body)));
    const accepted = answers.filter((answer) => answer.status === "fulfilled").map(({ value }) => value.order?.id);
    expect(new Set(accepted).size).toBe(1);
    const refused = answers.filter((answer) => answer.status === "rejected");
    for (const { reason } of refused) {
      expect(reason).toBeInstanceOf(RemoteError);
      expect(["IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_KEY_IN_USE"]).toContain((reason as RemoteError).reason);
    }
  });

  test("of another customer is another order", async () => {
    const all = clients();
    const product = await aProduct(all);
    const request = anOrder(product);
    const first = await all.orders.createOrder(request);
    const second = await all.orders.createOrder({ ...request, customerId: `${request.customerId}-2` });
    expect(second.order?.id).not.toBe(first.order?.id);
  });
});

describe("CancelOrder with an idempotency key in its metadata", () => {
  test("is answered from the store the second time, and refused with another order", async () => {
    const all = clients();
    const product = await aProduct(all);
    // Paid after 2 s: time to cancel them.
    const place = async () =>
      (await all.orders.createOrder(anOrder(product, { paymentMethod: "pm_card_slow" }))).order?.id ?? "";
    const [orderId, other] = [await place(), await place()];
    const idempotencyKey = randomUUID();
    const replayed: (string | undefined)[] = [];
    const cancel = () =>
      all.orders.cancelOrder(
        { orderId },
        { idempotencyKey, onHeader: (header) => replayed.push(header.get("idempotent-replayed")) },
      );

    const first = await cancel();
    // Its state has gone on by now; the answer has not.
    await settled(all, orderId);
    expect(await cancel()).toEqual(first);
    expect(replayed).toEqual([undefined, "true"]);

    expect(await keptHours(idempotencyKey)).toBeCloseTo(48, 1);

    const reused = all.orders.cancelOrder({ orderId: other }, { idempotencyKey });
    await expect(reused).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT, reason: "IDEMPOTENCY_KEY_REUSED" });
  });
});

/** How long the order service keeps the answer under this key. */
async function keptHours(key: string): Promise<number> {
  const client = new pg.Client({ connectionString: inject("stack").databaseUrls.order });
  await client.connect();
  const { rows } = await client.query<{ hours: number }>(
    "select extract(epoch from expire_time - create_time)::float8 / 3600 as hours from idempotent_call where key = $1",
    [key],
  );
  await client.end();
  return rows[0]?.hours ?? Number.NaN;
}
