import { Reservation_State as State } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { anOrderId, insertProduct, unitsOf } from "../testing/builders.ts";
import { startService } from "../testing/start-service.ts";

describe("reserveStock(), commitStock() and releaseStock()", () => {
  test("take units, sell them, and answer every repeat as it is then", async () => {
    await using service = await startService();
    const { client, db } = service;
    const productId = await insertProduct(db, { stock: 10 });
    const orderId = anOrderId();
    const twice = [
      { productId, quantity: 1 },
      { productId, quantity: 2 },
    ];
    const items = [{ productId, quantity: 3 }];
    const reserved = { reservation: { orderId, state: State.STATE_RESERVED, items } };
    const committed = { reservation: { orderId, state: State.STATE_COMMITTED, items } };

    expect(await client.reserveStock({ orderId, items: twice })).toEqual(reserved);
    expect(await client.reserveStock({ orderId, items })).toEqual(reserved);
    expect(await client.commitStock({ orderId })).toEqual(committed);
    expect(await client.commitStock({ orderId })).toEqual(committed);
    expect(await client.reserveStock({ orderId, items })).toEqual(committed);
    expect(await unitsOf(db, productId)).toEqual({ received: 10n, stock: 7n, reserved: 0n, sold: 3n, version: 2n });
    await expect(client.releaseStock({ orderId })).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      reason: "RESERVATION_COMMITTED",
      metadata: { order_id: orderId },
    });
  });

  test("give units back, once", async () => {
    await using service = await startService();
    const { client, db } = service;
    const productId = await insertProduct(db, { stock: 10 });
    const orderId = anOrderId();
    const items = [{ productId, quantity: 3 }];
    const released = { reservation: { orderId, state: State.STATE_RELEASED, items } };

    await client.reserveStock({ orderId, items });
    expect(await client.releaseStock({ orderId })).toEqual(released);
    expect(await client.releaseStock({ orderId })).toEqual(released);
    expect(await unitsOf(db, productId)).toMatchObject({ stock: 10n, reserved: 0n, version: 3n });
    for (const late of [client.reserveStock({ orderId, items }), client.commitStock({ orderId })]) {
      await expect(late).rejects.toMatchObject({
        code: Status.FAILED_PRECONDITION,
        reason: "RESERVATION_RELEASED",
        metadata: { order_id: orderId },
      });
    }
  });

  test("refuse the items of another order, an unknown product and an unknown order", async () => {
    await using service = await startService();
    const { client, db } = service;
    const productId = await insertProduct(db, { stock: 10 });
    const orderId = anOrderId();
    await client.reserveStock({ orderId, items: [{ productId, quantity: 3 }] });
    await expect(client.reserveStock({ orderId, items: [{ productId, quantity: 4 }] })).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: "RESERVATION_MISMATCH",
      metadata: { order_id: orderId },
    });
    const unknown = [{ productId: "prod_none", quantity: 1 }];
    await expect(client.reserveStock({ orderId: anOrderId(), items: unknown })).rejects.toMatchObject({
      code: Status.NOT_FOUND,
      reason: "PRODUCT_NOT_FOUND",
      metadata: { product_id: "prod_none" },
    });
    await expect(client.commitStock({ orderId: "ord_none" })).rejects.toMatchObject({
      code: Status.NOT_FOUND,
      reason: "RESERVATION_NOT_FOUND",
      metadata: { order_id: "ord_none" },
    });
  });

  test("say of what there is too little", async () => {
    await using service = await startService();
    const productId = await insertProduct(service.db, { stock: 2 });
    const call = service.client.reserveStock({ orderId: anOrderId(), items: [{ productId, quantity: 3 }] });
    await expect(call).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      reason: "OUT_OF_STOCK",
      metadata: { product_id: productId, available: "2", requested: "3" },
    });
  });
});
