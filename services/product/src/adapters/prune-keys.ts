import { type Database, sql } from "@holdfast/storage";
import type { Scope } from "../domain/scope.ts";
import type { Schema } from "./schema.ts";

/** Few enough that no call waits for a prune. */
const BATCH_KEYS = 1_000;

/** Forgets one batch of answers older than `keepHours`, by the database's clock. @returns Whether there may be more. */
export function pruneKeys(db: Database<Schema>, { keepHours }: { keepHours: number }) {
  return async (scope: Scope): Promise<boolean> => {
    const { numAffectedRows = 0n } = await db.transaction(scope, (tx) =>
      // Instances that prune at the same time take different rows.
      sql`
        delete from idempotency_key where (method, key) in (
          select method, key from idempotency_key
          where create_time < now() - make_interval(hours => ${keepHours}::int)
          order by create_time limit ${BATCH_KEYS} for update skip locked
        )`.execute(tx),
    );
    return numAffectedRows === BigInt(BATCH_KEYS);
  };
}
