import { type Database, sql, type Transaction } from "@holdfast/storage";
import type { IdempotencyKey, Reply } from "../domain/acceptance.ts";
import type { Scope } from "../domain/scope.ts";
import type { Schema } from "./schema.ts";

const METHOD = "CreateOrder";

/** What an earlier CreateOrder with the key has left; `undefined`: nothing that is committed. */
export function findReply(db: Database<Schema>) {
  return (key: IdempotencyKey, scope: Scope): Promise<Reply | undefined> =>
    db.transaction(scope, (tx) => readReply(tx, key));
}

/** The same inside a transaction. */
export async function readReply(tx: Transaction<Schema>, key: IdempotencyKey): Promise<Reply | undefined> {
  const row = await tx
    .selectFrom("idempotency_keys")
    .select(["request_hash", "response"])
    .where("customer_id", "=", key.customerId)
    .where("method", "=", METHOD)
    .where("key", "=", key.key)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  if (!row.request_hash.equals(key.requestHash)) return { kind: "key_reused" };
  return { kind: "repeated", response: row.response };
}

/** Waits for another transaction that inserts the same key. @returns Whether the key is ours. */
export async function insertReply(
  tx: Transaction<Schema>,
  key: IdempotencyKey,
  response: Uint8Array,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto("idempotency_keys")
    .values({
      customer_id: key.customerId,
      method: METHOD,
      key: key.key,
      request_hash: Buffer.from(key.requestHash),
      response: Buffer.from(response),
    })
    .onConflict((conflict) => conflict.constraint("idempotency_keys_pkey").doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** Forgets up to `limit` keys that are older than `keepHours`, by the database's clock. @returns How many. */
export function pruneReplies(db: Database<Schema>, { keepHours }: { keepHours: number }) {
  return (limit: number, scope: Scope): Promise<number> =>
    db.transaction(scope, async (tx) => {
      const { numAffectedRows = 0n } = await sql`
        delete from idempotency_keys where ctid = any(array(
          select ctid from idempotency_keys
          where created_at < now() - make_interval(hours => ${keepHours}::integer)
          order by created_at limit ${limit} for update skip locked
        ))`.execute(tx);
      return Number(numAffectedRows);
    });
}
