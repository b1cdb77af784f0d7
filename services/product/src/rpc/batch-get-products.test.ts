import { describe, expect, test } from "vitest";
import { insertProducts } from "../testing/builders.ts";
import { startService } from "../testing/start-service.ts";

describe("batchGetProducts()", () => {
  test("answers each id in the order of the request, found or not, as often as it is asked", async () => {
    await using service = await startService();
    const [a = "", b = ""] = await insertProducts(service.db, 2);
    const { results } = await service.client.batchGetProducts({ productIds: [b, "prod_none", a, b] });
    expect(results.map(({ productId, product }) => [productId, product?.id])).toEqual([
      [b, b],
      ["prod_none", undefined],
      [a, a],
      [b, b],
    ]);
  });

  test("takes 1,000 ids", async () => {
    await using service = await startService();
    const productIds = await insertProducts(service.db, 1_000);
    const { results } = await service.client.batchGetProducts({ productIds: productIds.toReversed() });
    expect(results.map(({ product }) => product?.id)).toEqual(productIds.toReversed());
  });
});
