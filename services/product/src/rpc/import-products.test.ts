import type { ImportProductsRequest, ProductRow } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { DatabaseError, sql } from "@holdfast/storage";
import { describe, expect, test } from "vitest";
import type { Scope } from "../domain/scope.ts";
import { aDraft, anOrderId, aScope, unitsOf } from "../testing/builders.ts";
import { generatedRow, generatedRows } from "../testing/generated-rows.ts";
import { startService, type TestService } from "../testing/start-service.ts";
import { importProducts } from "./import-products.ts";

describe("importProducts()", () => {
  test("makes products, and updates them the next time", async () => {
    await using service = await startService();
    expect(await service.client.importProducts(generatedRows({ count: 2_500 }))).toMatchObject({
      receivedCount: 2_500n,
      createdCount: 2_500n,
      updatedCount: 0n,
      rejectedCount: 0n,
    });
    expect(await service.client.importProducts(generatedRows({ count: 2_600, messageRows: 70 }))).toMatchObject({
      receivedCount: 2_600n,
      createdCount: 100n,
      updatedCount: 2_500n,
      rejectedCount: 0n,
    });
  });

  test("keeps the good rows and tells where the bad ones stand in the stream", async () => {
    await using service = await startService();
    const bad = { sku: "bad sku", name: "", stock: -1 };
    const answer = await service.client.importProducts(
      stream([aRow({ sku: "A" }), aRow(bad)], [], [aRow({ sku: "B", price: undefined }), aRow({ sku: "C" })]),
    );
    expect(answer).toMatchObject({ receivedCount: 4n, createdCount: 2n, updatedCount: 0n, rejectedCount: 2n });
    expect(answer.errors).toMatchObject([
      { rowNumber: 2n, sku: "bad sku", field: "sku" },
      { rowNumber: 3n, sku: "B", field: "price" },
    ]);
  });

  test("lets the later of two rows with one sku count, in one message and across messages", async () => {
    await using service = await startService();
    const rows = [aRow({ sku: "A", stock: 1 }), aRow({ sku: "A", stock: 2 }), aRow({ sku: "B", stock: 3 })];
    const answer = await service.client.importProducts(stream(rows, [aRow({ sku: "B", stock: 4 })]));
    expect(answer).toMatchObject({ receivedCount: 4n, createdCount: 2n, updatedCount: 2n });
    expect(await stockBySku(service)).toEqual({ A: 2n, B: 4n });
  });

  test("sets what is available, and leaves reserved and sold units alone", async () => {
    await using service = await startService();
    const { client, db } = service;
    await client.importProducts(stream([aRow({ sku: "A", stock: 10 })]));
    const productId = await idOf(service, "A");
    const [sold, reserved] = [anOrderId(), anOrderId()];
    await client.reserveStock({ orderId: sold, items: [{ productId, quantity: 2 }] });
    await client.commitStock({ orderId: sold });
    await client.reserveStock({ orderId: reserved, items: [{ productId, quantity: 3 }] });
    await client.importProducts(stream([aRow({ sku: "A", stock: 1 })]));
    expect(await unitsOf(db, productId)).toEqual({ received: 6n, stock: 1n, reserved: 3n, sold: 2n, version: 4n });
    await client.importProducts(stream([aRow({ sku: "A", stock: 1 })]));
    expect(await unitsOf(db, productId)).toMatchObject({ version: 4n });
    await client.releaseStock({ orderId: reserved });
    expect(await unitsOf(db, productId)).toMatchObject({ received: 6n, stock: 4n, reserved: 0n });
  });

  test("survives imports of the same rows and orders over them, all at once", async () => {
    await using service = await startService();
    const { client, db } = service;
    await client.importProducts(generatedRows({ count: 300 }));
    const ids = await allIds(service);
    const rows = Array.from({ length: 600 }, (_, index) => generatedRow(index + 1));
    const shuffled = (seed: number) => rows.map((_, index) => rows[(index * seed) % 600] ?? generatedRow(1));
    const imports = [7, 11, 13, 17].map((seed) => client.importProducts(stream(shuffled(seed), shuffled(seed + 2))));
    const items = ids.toReversed().map((productId) => ({ productId, quantity: 1 }));
    const orders = Promise.allSettled(
      Array.from({ length: 30 }, () => client.reserveStock({ orderId: anOrderId(), items })),
    );
    const answers = await Promise.all(imports);
    const refusals = (await orders).filter(({ status }) => status === "rejected");
    for (const refusal of refusals) expect(refusal).toMatchObject({ reason: { reason: "OUT_OF_STOCK" } });
    expect(answers.reduce((sum, { createdCount }) => sum + createdCount, 0n)).toBe(300n);
    const { rows: wrong } = await db.transaction(aScope(), (tx) =>
      sql`select from product where received <> stock + reserved + sold`.execute(tx),
    );
    expect(wrong).toEqual([]);
  });

  test("fails, and harms nothing else, when the database fails while the client is thinking", async () => {
    const failed = Promise.withResolvers<void>();
    const store = async () => {
      failed.resolve();
      throw new DatabaseError("unavailable", "Cannot reach the database");
    };
    const rows = async function* () {
      yield* generatedRows({ count: 1_000 });
      await failed.promise;
      // A rejection that nobody handles is reported when the tasks of this turn are done.
      await new Promise(setImmediate);
      yield* generatedRows({ count: 1_000 });
    };
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listener);
    const handler = importProducts({ store });
    await expect(handler(rows(), aScope() as Parameters<typeof handler>[1])).rejects.toBeInstanceOf(DatabaseError);
    process.off("unhandledRejection", listener);
    expect(unhandled).toEqual([]);
  });

  test("has 10 s for each batch, but never longer than the call", async () => {
    const deadlines: number[] = [];
    const store = async ({ deadline }: Scope) => {
      deadlines.push(deadline);
      return { created: 0 };
    };
    const handler = importProducts({ store });
    const context = (ms: number) => aScope(ms) as Parameters<typeof handler>[1];
    await handler(generatedRows({ count: 1_001 }), context(3_600_000));
    expect(deadlines).toHaveLength(2);
    expect(Math.max(...deadlines)).toBeLessThanOrEqual(Date.now() + 10_000);
    const short = context(5_000);
    await handler(generatedRows({ count: 1 }), short);
    expect(deadlines.at(-1)).toBe(short.deadline);
  });

  test("answers an empty stream", async () => {
    await using service = await startService();
    expect(await service.client.importProducts(stream())).toMatchObject({ receivedCount: 0n, errors: [] });
  });

  test("refuses a message of more than 1,000 rows", async () => {
    await using service = await startService();
    const rows = Array.from({ length: 1_001 }, (_, index) => generatedRow(index));
    await expect(service.client.importProducts(stream(rows))).rejects.toMatchObject({ reason: "VALIDATION_FAILED" });
  });

  test("keeps what was stored before the client went away", async () => {
    await using service = await startService();
    const cancel = new AbortController();
    const rows = async function* (): AsyncGenerator<ImportProductsRequest> {
      yield* generatedRows({ count: 1_000 });
      await expect.poll(() => allIds(service).then((ids) => ids.length)).toBe(1_000);
      cancel.abort();
      yield* generatedRows({ count: 1_000, from: 1_001 });
    };
    await expect(service.client.importProducts(rows(), { signal: cancel.signal })).rejects.toMatchObject({
      name: "RemoteError",
    });
    expect(await allIds(service)).toHaveLength(1_000);
  });
});

function aRow(fields: Partial<ProductRow> = {}): ProductRow {
  const { price, ...draft } = aDraft();
  return { ...draft, price: { ...price }, ...fields };
}

async function* stream(...messages: ProductRow[][]): AsyncGenerator<ImportProductsRequest> {
  for (const rows of messages) yield { rows };
}

async function products(service: TestService) {
  return service.db.transaction(aScope(), (tx) =>
    tx.selectFrom("product").select(["id", "sku", "stock"]).orderBy("id").execute(),
  );
}

async function stockBySku(service: TestService) {
  return Object.fromEntries((await products(service)).map(({ sku, stock }) => [sku, stock]));
}

async function allIds(service: TestService) {
  return (await products(service)).map(({ id }) => id);
}

async function idOf(service: TestService, wanted: string) {
  return (await products(service)).find(({ sku }) => sku === wanted)?.id ?? "";
}
