import { type Database, type Selectable, sql, type Transaction } from "@holdfast/storage";
import { decide } from "../domain/saga/decide.ts";
import type { Decision } from "../domain/saga/decision.ts";
import type { Claim, Job } from "../domain/saga/job.ts";
import { type Answer, SagaStep } from "../domain/saga/saga.ts";
import type { Scope } from "../domain/scope.ts";
import type { EventToJson } from "./append-event.ts";
import { readLines } from "./read-lines.ts";
import { after, saveDecision } from "./save-decision.ts";
import type { Schema } from "./schema.ts";
import { toSaga } from "./to-saga.ts";

export interface SagaOrdersOptions {
  db: Database<Schema>;
  eventToJson: EventToJson;
  /** How long a claimed order belongs to its worker, by the database's clock. Unit: milliseconds. */
  leaseMs: number;
  /** Age at which an order that is not paid is cancelled, by the database's clock. Unit: milliseconds. */
  expiresMs: number;
}

/** The orders as the saga worker sees them. Any number of workers may share them. */
export function sagaOrdersInPostgres({ db, eventToJson, leaseMs, expiresMs }: SagaOrdersOptions) {
  return {
    /** Takes up to `limit` orders that are due and nobody else's, the longest due first. */
    claim: (limit: number, scope: Scope): Promise<readonly Claim[]> =>
      db.transaction(scope, async (tx) => {
        // The array makes it a subquery that runs once: joined, it could lock and skip rows again and again.
        const { rows } = await sql<{ id: string; fence: bigint }>`
          update orders set fence = fence + 1, lease_until = ${after(leaseMs)}
          where id = any(array(
            select id from orders
            where next_run_at <= now() and (lease_until is null or lease_until <= now())
            order by next_run_at limit ${limit} for update skip locked
          ))
          returning id, fence`.execute(tx);
        return rows.map(({ id, fence }) => ({ orderId: id, fence }));
      }),

    /**
     * Records that the next call is about to be made, and renews the lease for it.
     *
     * @returns Undefined when the order is over, or belongs to somebody else by now.
     */
    start: (claim: Claim, scope: Scope): Promise<Job | undefined> =>
      db.transaction(scope, async (tx) => {
        const row = await lockOwn(tx, claim);
        if (row === undefined) return undefined;
        if (!row.isLeased) return undefined;
        const decision = decide(toSaga(row), { kind: "run", expired: row.isExpired });
        const effect = decision.effects.find(({ kind }) => kind === "call");
        if (effect?.kind !== "call") return undefined;
        await saveDecision(tx, row, decision, { eventToJson, leaseMs });
        const lines = effect.call.step === SagaStep.ReserveStock ? await readLines(tx, [row.id]) : undefined;
        return {
          call: effect.call,
          attempts: decision.saga.attempts,
          orderId: row.id,
          customerId: row.customer_id,
          total: { currencyCode: row.currency_code, minorUnits: row.total_minor_units },
          paymentMethod: row.payment_method,
          items: lines?.get(row.id) ?? [],
        };
      }),

    /**
     * Records what the call was answered, and all that follows from it.
     *
     * @param pauseMs From attempts to the wait before the next one, if there was no progress.
     * @returns Undefined when the order belongs to somebody else by now: then nothing was written.
     */
    record: (
      claim: Claim,
      answer: Answer,
      pauseMs: (attempts: number) => number,
      scope: Scope,
    ): Promise<Decision | undefined> =>
      db.transaction(scope, async (tx) => {
        const row = await lockOwn(tx, claim);
        if (row === undefined) return undefined;
        const decision = decide(toSaga(row), { kind: "answered", ...answer });
        if (decision.effects.length === 0) return decision;
        const pauses = decision.effects.some(({ kind }) => kind === "pause");
        const rest = pauses ? { pauseMs: pauseMs(decision.saga.attempts), leaseMs: 0 } : {};
        await saveDecision(tx, row, decision, { eventToJson, ...rest });
        return decision;
      }),

    /** Lets another worker have the order at once. */
    giveBack: (claim: Claim, scope: Scope): Promise<void> =>
      db.transaction(scope, async (tx) => {
        await tx
          .updateTable("orders")
          .set({ lease_until: null })
          .where("id", "=", claim.orderId)
          .where("fence", "=", claim.fence)
          .where("lease_until", "is not", null)
          .execute();
      }),
  };

  /** The order, locked, if no other worker has claimed it since. */
  async function lockOwn(
    tx: Transaction<Schema>,
    { orderId, fence }: Claim,
  ): Promise<(Selectable<Schema["orders"]> & { isLeased: boolean; isExpired: boolean }) | undefined> {
    return tx
      .selectFrom("orders")
      .selectAll()
      .select([
        sql<boolean>`coalesce(lease_until > now(), false)`.as("isLeased"),
        sql<boolean>`create_time <= ${after(-expiresMs)}`.as("isExpired"),
      ])
      .where("id", "=", orderId)
      .where("fence", "=", fence)
      .forUpdate()
      .executeTakeFirst();
  }
}
