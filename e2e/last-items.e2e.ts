import { Order_CancelReason, Order_State } from "@holdfast/contracts/ecommerce/order/v1/order";
import { expect, test } from "vitest";
import { anOrder, aProduct, clients, placed, settled } from "./support/clients.ts";

test("100 buyers of the last 10 items: exactly 10 CONFIRMED, never a negative stock", async () => {
  const all = clients();
  const product = await aProduct(all, { stock: 10 });
  const levels: number[] = [];
  const watching = new AbortController();
  const watch = async () => {
    const subscribe = async function* () {
      yield { subscribe: [product.id], unsubscribe: [] };
      await new Promise((resolve) => watching.signal.addEventListener("abort", resolve, { once: true }));
    };
    for await (const { level } of all.products.watchStock(subscribe()))
      if (level !== undefined) levels.push(level.stock);
  };
  const watched = watch();

  const orders = await Promise.all(
    Array.from({ length: 100 }, async () => settled(all, await placed(all, anOrder(product)))),
  );
  watching.abort();
  await watched;

  const confirmed = orders.filter(({ state }) => state === Order_State.STATE_CONFIRMED);
  const cancelled = orders.filter(({ state }) => state === Order_State.STATE_CANCELLED);
  expect({ confirmed: confirmed.length, cancelled: cancelled.length }).toEqual({ confirmed: 10, cancelled: 90 });
  expect(new Set(cancelled.map(({ cancelReason }) => cancelReason))).toEqual(
    new Set([Order_CancelReason.CANCEL_REASON_OUT_OF_STOCK]),
  );
  const { product: after } = await all.products.getProduct({ productId: product.id });
  expect(after?.stock).toBe(0);
  expect(levels[0]).toBe(10);
  expect(Math.min(...levels)).toBe(0);
});
