import { Status } from "@holdfast/rpc";
import { expect, test } from "vitest";
import { startOrderService } from "../testing/start-order-service.ts";

test("GetOrder refuses an order that is not there", async () => {
  await using service = await startOrderService();
  await expect(service.client.getOrder({ orderId: "ord_1" })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    reason: "ORDER_NOT_FOUND",
    metadata: { order_id: "ord_1" },
  });
});
