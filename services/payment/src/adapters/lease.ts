import { sql } from "@holdfast/storage";
import type { Attempt } from "../domain/settle.ts";
import type { Tx } from "./tables.ts";

/** How long whoever works on an outcome has it for itself, and how long a request may take to have its effect. */
export interface LeaseOptions {
  /** Unit: milliseconds. Longer than one request to the provider may take. */
  leaseMs: number;
  /** Unit: milliseconds. A request sent this long ago has either had its effect or never will. */
  settleMs: number;
}

/** The columns of an attempt, for RefundRow and TransactionRow alike. */
export interface LeasedRow {
  id: string;
  fence: bigint;
  attempts: number;
}

/** Now plus some milliseconds. The database's clock: those of several instances need not agree. */
export function fromNow(ms: number) {
  return sql<Date>`clock_timestamp() + ${ms} * interval '1 millisecond'`;
}

/** What is left of a row's lease; 0 or less when nobody holds one. */
export const leaseLeftMs = sql<number>`
  coalesce(extract(epoch from lease_until - clock_timestamp()) * 1000, 0)::float8`;

/** The values of a new lease, which ends in `leaseMs`. The row is due again when it does. */
export function leased({ leaseMs }: LeaseOptions) {
  return { lease_until: fromNow(leaseMs), next_run_at: fromNow(leaseMs) };
}

type LeasedTable = "transactions" | "refunds";

/** Takes a new lease on a row that the caller has locked, and tells whether an earlier request may be under way. */
export async function claim<Row extends LeasedRow>(
  tx: Tx,
  table: LeasedTable,
  ids: readonly string[],
  { leaseMs, settleMs }: LeaseOptions,
): Promise<(Row & { earlier: Attempt["earlier"] })[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<Row & { earlier: Attempt["earlier"] }>`
    update ${sql.table(table)} set
      lease_until = ${fromNow(leaseMs)}, next_run_at = ${fromNow(leaseMs)}, fence = fence + 1, attempts = attempts + 1
    where id = any(${ids})
    returning *, case when ${settled(settleMs)} then 'over' else 'under_way' end as earlier`.execute(tx);
  return rows;
}

/** At the time of the claim, so before the provider is asked: later would be too late to rely on its answer. */
function settled(settleMs: number) {
  return sql`sent_at + ${settleMs} * interval '1 millisecond' <= clock_timestamp()`;
}

/** Locks rows that are due, in the order in which they are; those that another instance has locked are left to it. */
export async function lockDue(tx: Tx, table: LeasedTable, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from ${sql.table(table)} where state = 'PENDING' and next_run_at <= now()
    order by next_run_at limit ${limit} for update skip locked`.execute(tx);
  return rows.map(({ id }) => id);
}

/** See EffectBook.markSent. */
export async function markSent(
  tx: Tx,
  table: LeasedTable,
  { id, fence }: Attempt,
  { leaseMs }: LeaseOptions,
): Promise<boolean> {
  const { rows } = await sql`
    update ${sql.table(table)} set
      sent_at = clock_timestamp(), lease_until = ${fromNow(leaseMs)}, next_run_at = ${fromNow(leaseMs)}
    where id = ${id} and fence = ${fence} and state = 'PENDING'
    returning id`.execute(tx);
  return rows.length === 1;
}

/** Gives the lease back; the row is due again after `delayMs`. */
export async function postpone(tx: Tx, table: LeasedTable, id: string, delayMs: number): Promise<void> {
  await sql`update ${sql.table(table)} set lease_until = null, next_run_at = ${fromNow(delayMs)} where id = ${id}`.execute(
    tx,
  );
}

/** The values of a row whose outcome is known: nobody has to look at it again. */
export const unleased = { lease_until: null, next_run_at: null } as const;
