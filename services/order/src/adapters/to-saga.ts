import type { Selectable } from "@holdfast/storage";
import type { Saga } from "../domain/saga/saga.ts";
import type { Schema } from "./schema.ts";

/** What the saga remembers of a stored order. */
export function toSaga(row: Selectable<Schema["orders"]>): Saga {
  return {
    orderId: row.id,
    state: row.state,
    cancelReason: row.cancel_reason ?? undefined,
    step: row.step,
    chargeStarted: row.charge_started_at !== null,
    commitStarted: row.commit_started_at !== null,
    transactionId: row.transaction_id ?? undefined,
    attempts: row.attempts,
  };
}
