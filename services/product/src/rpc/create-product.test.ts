import { CreateProductResponse } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { Status } from "@holdfast/rpc";
import { sql } from "@holdfast/storage";
import { describe, expect, test } from "vitest";
import { aCreateRequest, aScope } from "../testing/builders.ts";
import { startService, type TestService } from "../testing/start-service.ts";

describe("createProduct()", () => {
  test("makes a product that can be read", async () => {
    await using service = await startService();
    const request = aCreateRequest({ sku: "NEW-1", stock: 4 });
    const { product } = await service.client.createProduct(request);
    expect(product).toMatchObject({ sku: "NEW-1", stock: 4, price: request.price });
    expect(await service.client.getProduct({ productId: product?.id ?? "" })).toEqual({ product });
  });

  test("makes one product of 50 calls at once with one key, and gives all of them the same bytes", async () => {
    await using service = await startService();
    const request = aCreateRequest();
    const answers = await Promise.all(Array.from({ length: 50 }, () => service.client.createProduct(request)));
    const bytes = answers.map((answer) => Buffer.from(CreateProductResponse.encode(answer).finish()).toString("hex"));
    expect(new Set(bytes).size).toBe(1);
    expect(await countOf(service, "product")).toBe(1n);
  });

  test("repeats the first answer after the product has changed", async () => {
    await using service = await startService();
    const request = aCreateRequest({ stock: 4 });
    const first = await service.client.createProduct(request);
    await service.db.transaction(aScope(), (tx) => sql`update product set stock = 3, reserved = 1`.execute(tx));
    expect(await service.client.createProduct(request)).toEqual(first);
  });

  test.each([
    ["name", { name: "Other" }],
    ["stock", { stock: 11 }],
    ["price", { price: { currencyCode: "GBP", minorUnits: 256n } }],
    ["currency", { price: { currencyCode: "EUR", minorUnits: 255n } }],
    ["sku", { sku: "OTHER" }],
    ["description", { description: "other" }],
  ])("refuses the key for a request with another %s", async (_, change) => {
    await using service = await startService();
    const request = aCreateRequest();
    await service.client.createProduct(request);
    await expect(service.client.createProduct({ ...request, ...change })).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: "IDEMPOTENCY_KEY_REUSED",
      metadata: { idempotency_key: request.idempotencyKey },
    });
  });

  test("refuses a sku that another product has, and leaves the key free", async () => {
    await using service = await startService();
    await service.client.createProduct(aCreateRequest({ sku: "TWICE" }));
    const request = aCreateRequest({ sku: "TWICE" });
    await expect(service.client.createProduct(request)).rejects.toMatchObject({
      code: Status.ALREADY_EXISTS,
      reason: "SKU_TAKEN",
      metadata: { sku: "TWICE" },
    });
    expect((await service.client.createProduct({ ...request, sku: "ONCE" })).product?.sku).toBe("ONCE");
  });

  test("gives one of two keys the sku that both want at once", async () => {
    await using service = await startService();
    const calls = Array.from({ length: 10 }, () => service.client.createProduct(aCreateRequest({ sku: "RACE" })));
    const settled = await Promise.allSettled(calls);
    const refused = settled.filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(9);
    for (const refusal of refused) expect(refusal).toMatchObject({ reason: { reason: "SKU_TAKEN" } });
  });

  test("asks to come back when the first call with the key takes too long", async () => {
    await using service = await startService({ IDEMPOTENCY_WAIT_MS: 50 });
    const request = aCreateRequest();
    const first = Promise.withResolvers<void>();
    const holds = Promise.withResolvers<void>();
    const holding = service.db.transaction(aScope(), async (tx) => {
      await sql`
        insert into idempotency_key (method, key, request_hash, response)
        values ('CreateProduct', ${request.idempotencyKey}, '', '')`.execute(tx);
      holds.resolve();
      await first.promise;
      await sql`delete from idempotency_key`.execute(tx);
    });
    await holds.promise;
    await expect(service.client.createProduct(request)).rejects.toMatchObject({
      code: Status.ABORTED,
      reason: "IDEMPOTENCY_KEY_IN_USE",
      retryAfterMs: 1_000,
    });
    first.resolve();
    await holding;
    expect((await service.client.createProduct(request)).product?.sku).toBe(request.sku);
  });

  test("writes nothing for a request that breaks a rule", async () => {
    await using service = await startService();
    await expect(service.client.createProduct(aCreateRequest({ stock: -1 }))).rejects.toMatchObject({
      reason: "VALIDATION_FAILED",
    });
    expect([await countOf(service, "product"), await countOf(service, "idempotency_key")]).toEqual([0n, 0n]);
  });
});

async function countOf(service: TestService, table: "product" | "idempotency_key"): Promise<bigint | undefined> {
  const { rows } = await service.db.transaction(aScope(), (tx) =>
    sql<{ count: bigint }>`select count(*) as count from ${sql.table(table)}`.execute(tx),
  );
  return rows[0]?.count;
}
