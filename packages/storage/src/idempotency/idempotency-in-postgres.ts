import { type Selectable, sql, type Transaction } from "kysely";
import { DatabaseError, DatabaseErrorKind } from "../database-error.ts";
import type { Database } from "../open-database.ts";
import type { Scope } from "../scope.ts";

/** The table of `table.sql`. */
export interface IdempotencySchema {
  idempotent_call: {
    principal: string;
    method: string;
    key: string;
    fingerprint: Buffer;
    token: string;
    lease_until: Date;
    confirmed: boolean;
    code: number | null;
    details: string | null;
    trailers: string | null;
    response: Buffer | null;
    create_time: Date;
    expire_time: Date;
  };
}

/** One attempt to do the work of a key. */
export interface IdempotencyClaim {
  readonly principal: string;
  readonly method: string;
  readonly key: string;
  /** Names this attempt: whoever has it may finish, nobody else. */
  readonly token: string;
}

export interface IdempotencyClaimRequest extends IdempotencyClaim {
  /** SHA-256 of the request. */
  readonly fingerprint: Uint8Array;
  readonly leaseMs: number;
  readonly ttlMs: number;
  /** Whether a claim whose lease has run out unconfirmed may be taken over. */
  readonly transactional: boolean;
}

export interface IdempotencyAnswer {
  readonly code: number;
  readonly details: string;
  readonly trailers: string;
  readonly response: Uint8Array | undefined;
}

export type IdempotencyBegun =
  | { readonly kind: "new" }
  | { readonly kind: "replay"; readonly answer: IdempotencyAnswer }
  | { readonly kind: "mismatch" }
  | { readonly kind: "in_progress"; readonly leaseLeftMs: number }
  | { readonly kind: "unknown" };

/** Idempotency keys in the service's own database. All time is the database's; each method is one transaction. */
export interface IdempotencyInPostgres {
  /** Claims the key, or tells why not. The same claim again is `new` again. Two round trips, three if it is not new. */
  begin(request: IdempotencyClaimRequest, scope: Scope): Promise<IdempotencyBegun>;
  /** Stores the answer. @returns False if another attempt has taken over. */
  finish(claim: IdempotencyClaim, answer: IdempotencyAnswer, scope: Scope): Promise<boolean>;
  /** Forgets the claim unless it is finished, confirmed or somebody else's. */
  abandon(claim: IdempotencyClaim, scope: Scope): Promise<void>;
  /** Deletes what has expired, up to `limit` rows. @returns How many: call again while it is `limit`. */
  prune(scope: Scope, limit?: number): Promise<number>;
}

/** A transaction of the work may hold a claim's row while it confirms it; that long is in progress. Unit: milliseconds. */
const ROW_WAIT_MS = 250;

/** Keeps the claims and answers of calls with an idempotency key in the table `idempotent_call`. */
export function idempotencyInPostgres<Schema extends IdempotencySchema>(
  serviceDatabase: Database<Schema>,
): IdempotencyInPostgres {
  // One with more tables has this one too, which the type of a transaction cannot say.
  const database = serviceDatabase as unknown as Database<IdempotencySchema>;
  return {
    async begin(request, scope) {
      try {
        return await database.transaction(scope, (tx) => begin(tx, request), { lockTimeoutMs: ROW_WAIT_MS });
      } catch (error) {
        const held = error instanceof DatabaseError && error.kind === DatabaseErrorKind.LockTimeout;
        if (!held) throw error;
        return { kind: "in_progress", leaseLeftMs: ROW_WAIT_MS };
      }
    },

    finish: (claim, answer, scope) =>
      database.transaction(scope, async (tx) => {
        const { code, details, trailers, response } = answer;
        const kept = response === undefined ? null : Buffer.from(response);
        const { numUpdatedRows } = await tx
          .updateTable("idempotent_call")
          .set({ code, details, trailers, response: kept })
          .where(heldBy(claim))
          // Again with the same answer, where the first commit's outcome was lost.
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),

    abandon: (claim, scope) =>
      database.transaction(scope, async (tx) => {
        const open = sql<boolean>`code is null and not confirmed`;
        await tx.deleteFrom("idempotent_call").where(heldBy(claim)).where(open).execute();
      }),

    prune: (scope, limit = 1_000) =>
      database.transaction(scope, async (tx) => {
        const { numAffectedRows = 0n } = await sql`
          delete from idempotent_call where ctid in (
            select ctid from idempotent_call where expire_time <= clock_timestamp()
            order by expire_time limit ${limit} for update skip locked)`.execute(tx);
        return Number(numAffectedRows);
      }),
  };
}

/**
 * Says in the transaction of the work that the claim is still held, and that from its commit on the work is done. With it,
 * work whose process dies is either rolled back and done again after the lease, or never done again.
 *
 * @throws {Error} If another attempt has taken over: let it roll the work back.
 */
export async function confirmClaim(tx: Transaction<IdempotencySchema>, claim: IdempotencyClaim): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable("idempotent_call")
    .set({ confirmed: true })
    .where(heldBy(claim))
    .executeTakeFirst();
  if (numUpdatedRows === 1n) return;
  throw new Error(
    `Cannot confirm the call "${claim.key}" of ${claim.method}: its lease ended and another one took over`,
  );
}

const heldBy = ({ principal, method, key, token }: IdempotencyClaim) =>
  sql<boolean>`principal = ${principal} and method = ${method} and key = ${key} and token = ${token}`;

/**
 * The insert decides who is first. A row that is there is taken over in the same statement if it has expired, if it is our
 * own claim, or if its work was rolled back; if not, it is locked by then, so that what is read next is what was decided by.
 */
async function begin(tx: Transaction<IdempotencySchema>, request: IdempotencyClaimRequest): Promise<IdempotencyBegun> {
  const { principal, method, key, token, leaseMs, ttlMs, transactional } = request;
  const fingerprint = Buffer.from(request.fingerprint);
  const { rows: taken } = await sql`
    insert into idempotent_call as held (principal, method, key, fingerprint, token, lease_until, expire_time)
    values (${principal}, ${method}, ${key}, ${fingerprint}, ${token},
      clock_timestamp() + ${leaseMs} * interval '1 ms', clock_timestamp() + ${ttlMs} * interval '1 ms')
    on conflict (principal, method, key) do update set
      fingerprint = excluded.fingerprint, token = excluded.token, lease_until = excluded.lease_until,
      confirmed = false, code = null, details = null, trailers = null, response = null,
      create_time = excluded.create_time, expire_time = excluded.expire_time
    where held.expire_time <= clock_timestamp()
      or (held.code is null and not held.confirmed and held.fingerprint = excluded.fingerprint
        and (held.token = excluded.token or (${transactional} and held.lease_until <= clock_timestamp())))
    returning 1`.execute(tx);
  if (taken.length > 0) return { kind: "new" };

  const { rows } = await sql<Selectable<IdempotencySchema["idempotent_call"]> & { leaseLeftMs: number }>`
    select *, extract(epoch from lease_until - clock_timestamp())::float8 * 1000 as "leaseLeftMs"
    from idempotent_call where principal = ${principal} and method = ${method} and key = ${key}`.execute(tx);
  const [row] = rows;
  if (row === undefined) throw new Error("A row that this transaction has locked is gone");
  if (!row.fingerprint.equals(fingerprint)) return { kind: "mismatch" };
  const { code, details, trailers, response, leaseLeftMs } = row;
  if (code !== null) {
    const answer = { code, details: details ?? "", trailers: trailers ?? "{}", response: response ?? undefined };
    return { kind: "replay", answer };
  }
  return leaseLeftMs > 0 ? { kind: "in_progress", leaseLeftMs } : { kind: "unknown" };
}
