import { type Database, sql } from "@holdfast/storage";
import { expect, test } from "vitest";
import type { Schema } from "./adapters/schema.ts";
import { anOrderId, aScope, insertProduct } from "./testing/builders.ts";
import { startService, type TestService } from "./testing/start-service.ts";

test("handlers() serve orders at once while lists and watches queue for their three connections", async () => {
  await using service = await startService();
  const { client, db, browseDb } = service;
  const productId = await insertProduct(db);
  const browsed = Promise.withResolvers<void>();
  using _ = { [Symbol.dispose]: () => browsed.resolve() };
  const holding = Promise.allSettled(Array.from({ length: 10 }, () => held(browseDb, browsed.promise)));
  await expect.poll(() => openTransactions(db), { timeout: 10_000 }).toBe(3n);
  const ended: string[] = [];
  const browse = () => [list(service), watch(service, productId)].map((call) => call.then(() => ended.push("well")));
  const browsing = Promise.allSettled(Array.from({ length: 20 }, browse).flat());

  const orderId = anOrderId();
  await client.batchGetProducts({ productIds: [productId] });
  await client.reserveStock({ orderId, items: [{ productId, quantity: 1 }] });
  await client.commitStock({ orderId });
  await client.releaseStock({ orderId: anOrderId() });
  expect(ended).toEqual([]);

  browsed.resolve();
  await Promise.all([holding, browsing]);
  expect(ended).toHaveLength(40);
}, 30_000);

/** A transaction that stays open for as long as that. */
function held(db: Database<Schema>, until: Promise<void>): Promise<void> {
  return db.transaction(aScope(), () => until);
}

/** How many other connections to this database have a transaction open. */
async function openTransactions(db: Database<Schema>): Promise<bigint> {
  const { rows } = await db.transaction(aScope(), (tx) =>
    sql<{ count: bigint }>`
      select count(*) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state = 'idle in transaction'`.execute(tx),
  );
  return rows[0]?.count ?? 0n;
}

async function list({ client }: TestService): Promise<void> {
  for await (const _ of client.listProducts({ nameContains: "heart" }));
}

async function watch({ client }: TestService, productId: string): Promise<void> {
  for await (const _ of client.watchStock(once({ subscribe: [productId], unsubscribe: [] })));
}

async function* once<T>(message: T): AsyncGenerator<T> {
  yield message;
}
