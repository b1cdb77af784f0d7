import { Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { insertProduct } from "../testing/builders.ts";
import { startService } from "../testing/start-service.ts";

describe("getProduct()", () => {
  test("gives a product as it is", async () => {
    await using service = await startService();
    const id = await insertProduct(service.db, { sku: "85123A", name: "Größe ✓", stock: 7 });
    const { product } = await service.client.getProduct({ productId: id });
    expect(product).toMatchObject({ id, sku: "85123A", name: "Größe ✓", description: "", stock: 7 });
    expect(product?.price).toEqual({ currencyCode: "GBP", minorUnits: 255n });
    expect(product?.createTime).toEqual(product?.updateTime);
  });

  test("says which product is not there", async () => {
    await using service = await startService();
    await expect(service.client.getProduct({ productId: "prod_none" })).rejects.toMatchObject({
      code: Status.NOT_FOUND,
      reason: "PRODUCT_NOT_FOUND",
      metadata: { product_id: "prod_none" },
    });
  });
});
