import { type Selectable, sql, type Transaction } from "@holdfast/storage";
import { isTerminal } from "../domain/order.ts";
import type { Decision } from "../domain/saga/decision.ts";
import { appendEvent, type EventToJson } from "./append-event.ts";
import type { Schema } from "./schema.ts";

export interface SaveOptions {
  eventToJson: EventToJson;
  /** Until the order runs again. Unit: milliseconds. @default 0 */
  pauseMs?: number;
  /** How long the order belongs to the worker that saves; 0 gives it free. Unit: milliseconds. @default as before */
  leaseMs?: number;
}

/** Records a decision about a locked order: columns, version, event and outbox row, in one transaction. */
export async function saveDecision(
  tx: Transaction<Schema>,
  before: Selectable<Schema["orders"]>,
  { saga, effects }: Decision,
  { eventToJson, pauseMs = 0, leaseMs }: SaveOptions,
): Promise<Selectable<Schema["orders"]>> {
  const isNewState = saga.state !== before.state;
  const isOver = isTerminal(saga.state);
  const row = await tx
    .updateTable("orders")
    .set({
      state: saga.state,
      cancel_reason: saga.cancelReason ?? null,
      transaction_id: saga.transactionId ?? null,
      step: saga.step,
      attempts: saga.attempts,
      ...(isNewState && { version: before.version + 1, update_time: sql<Date>`date_trunc('milliseconds', now())` }),
      ...(saga.chargeStarted && { charge_started_at: sql<Date>`coalesce(charge_started_at, now())` }),
      ...(saga.commitStarted && { commit_started_at: sql<Date>`coalesce(commit_started_at, now())` }),
      next_run_at: isOver ? null : after(pauseMs),
      ...(isOver || leaseMs === 0 ? { lease_until: null } : leaseMs !== undefined && { lease_until: after(leaseMs) }),
    })
    .where("id", "=", before.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  if (effects.some(({ kind }) => kind === "announce")) await appendEvent(tx, row, eventToJson);
  return row;
}

/** A time from now, by the database's clock. */
export function after(ms: number) {
  return sql<Date>`now() + ${ms}::double precision * interval '1 millisecond'`;
}
