import { type Database, DatabaseError, DatabaseErrorKind, sql, type Transaction } from "@holdfast/storage";
import { v7 as uuidv7 } from "uuid";
import type { CreateProductCommand, CreateProductOutcome } from "../domain/create-product.ts";
import type { Product } from "../domain/product.ts";
import type { Scope } from "../domain/scope.ts";
import type { Schema } from "./schema.ts";

const METHOD = "CreateProduct";

/**
 * Makes the product and stores the answer under the key, in one transaction. Of calls with one key at the same time
 * one does the work; the others wait on the unique index until it has ended, then repeat its answer. Only what was done
 * is stored: after a refusal the key is free.
 */
export function createProduct(
  db: Database<Schema>,
  { waitMs }: { /** Longest wait for a call with the same key. Unit: milliseconds. */ waitMs: number },
) {
  return async (scope: Scope, command: CreateProductCommand): Promise<CreateProductOutcome> => {
    let ownsKey = false;
    try {
      return await db.transaction(
        scope,
        async (tx) => {
          ownsKey = false;
          const product = await draftedNow(tx, command);
          const response = command.respond(product);
          ownsKey = await insertKey(tx, command, response);
          if (!ownsKey) return await repeat(tx, command);
          await insertProduct(tx, product);
          return { kind: "done", response };
        },
        { lockTimeoutMs: waitMs },
      );
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      if (error.kind === DatabaseErrorKind.LockTimeout && !ownsKey) return { kind: "key_in_use" };
      if (error.constraint === "product_sku_key") return { kind: "sku_taken" };
      throw error;
    }
  };
}

/** The product as it will be stored, with the time of this transaction. */
async function draftedNow(tx: Transaction<Schema>, { draft }: CreateProductCommand): Promise<Product> {
  const { rows } = await sql<{ now: Date }>`select date_trunc('milliseconds', now()) as now`.execute(tx);
  const [row] = rows;
  if (row === undefined) throw new Error("A select without a table gave no row");
  return { ...draft, id: `prod_${uuidv7().replaceAll("-", "")}`, createTime: row.now, updateTime: row.now };
}

async function insertKey(
  tx: Transaction<Schema>,
  { idempotencyKey, requestHash }: CreateProductCommand,
  response: Uint8Array,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto("idempotency_key")
    .values({ method: METHOD, key: idempotencyKey, request_hash: requestHash, response })
    .onConflict((conflict) => conflict.columns(["method", "key"]).doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

async function repeat(
  tx: Transaction<Schema>,
  { idempotencyKey, requestHash }: CreateProductCommand,
): Promise<CreateProductOutcome> {
  const stored = await tx
    .selectFrom("idempotency_key")
    .select(["request_hash", "response"])
    .where("method", "=", METHOD)
    .where("key", "=", idempotencyKey)
    .executeTakeFirst();
  // Pruned between the two statements: the caller's next try makes the product anew.
  if (stored === undefined) return { kind: "key_in_use" };
  if (Buffer.compare(stored.request_hash, requestHash) !== 0) return { kind: "key_reused" };
  return { kind: "done", response: stored.response };
}

async function insertProduct(tx: Transaction<Schema>, product: Product): Promise<void> {
  const { id, sku, name, description, price, createTime, updateTime } = product;
  const stock = BigInt(product.stock);
  await tx
    .insertInto("product")
    .values({
      id,
      sku,
      name,
      description,
      currency_code: price.currencyCode,
      price_minor_units: price.minorUnits,
      received: stock,
      stock,
      create_time: createTime,
      update_time: updateTime,
    })
    .execute();
}
