import {
  type ImportProductsRequest,
  ProductServiceDefinition,
} from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { connect } from "@holdfast/rpc";
import { type Database, sql } from "@holdfast/storage";
import { expect, test } from "vitest";
import { reserveStock } from "../adapters/reservations-in-postgres.ts";
import type { Schema } from "../adapters/schema.ts";
import { anOrderId, aScope, insertProduct } from "../testing/builders.ts";
import { openTestDatabase } from "../testing/open-test-database.ts";
import { startServiceProcess } from "../testing/start-service-process.ts";

/** The longest time for a batch, and as much again for a machine that does other things as well. */
const PATIENCE_MS = 20_000;

test("importProducts() frozen in the middle of a batch loses its locks, though its client has an hour", async () => {
  await using database = await openTestDatabase();
  const { db } = database;
  const [first, last] = ["prod_1", "prod_2"];
  await insertProduct(db, { id: first, sku: "SKU-1" });
  await insertProduct(db, { id: last, sku: "SKU-2" });
  await using service = await startServiceProcess(database.url);
  using client = connect(ProductServiceDefinition, service.target, { timeoutMs: 3_600_000 });

  // The import locks by id: it has the first product when it waits for the last one.
  const { importing } = await db.transaction(aScope(PATIENCE_MS), async (tx) => {
    await tx.selectFrom("product").select("id").where("id", "=", last).forUpdate().execute();
    const call = client.importProducts(bothProducts()).catch((error: unknown) => error);
    await expect.poll(() => othersThat(db, "wait for a lock"), { timeout: PATIENCE_MS }).toBe(1n);
    process.kill(service.pid, "SIGSTOP");
    return { importing: call };
  });
  await expect.poll(() => othersThat(db, "are idle in their transaction"), { timeout: PATIENCE_MS }).toBe(1n);

  const items = [{ productId: first, quantity: 1 }];
  const reserved = await reserveStock(db)(aScope(PATIENCE_MS), anOrderId(), items);
  expect(reserved.kind).toBe("reserved");

  process.kill(service.pid, "SIGKILL");
  expect(await importing).toMatchObject({ name: "RemoteError" });
}, 60_000);

async function* bothProducts(): AsyncGenerator<ImportProductsRequest> {
  const row = { name: "A", price: { currencyCode: "GBP", minorUnits: 1n }, stock: 5, description: "" };
  yield { rows: ["SKU-1", "SKU-2"].map((sku) => ({ ...row, sku })) };
}

const CONDITIONS = {
  "wait for a lock": sql`wait_event_type = 'Lock'`,
  "are idle in their transaction": sql`state = 'idle in transaction'`,
};

/** How many other connections to this database are like that now. */
async function othersThat(db: Database<Schema>, condition: keyof typeof CONDITIONS): Promise<bigint> {
  const { rows } = await db.transaction(aScope(), (tx) =>
    sql<{ count: bigint }>`
      select count(*) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and ${CONDITIONS[condition]}`.execute(tx),
  );
  return rows[0]?.count ?? 0n;
}
