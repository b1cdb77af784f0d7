import { setTimeout as sleep } from "node:timers/promises";
import { Kysely, type Transaction } from "kysely";
import { boundedSignal, LONGEST_TIMER_MS } from "./bounded-signal.ts";
import { type ConnectionPool, type ConnectionPoolOptions, connectionPool } from "./connection-pool.ts";
import { DatabaseError, DatabaseErrorKind } from "./database-error.ts";
import { raceSignal } from "./race-signal.ts";
import type { Scope } from "./scope.ts";
import { openSession, type Session } from "./session.ts";
import { sessionDialect } from "./session-dialect.ts";

/** Deadlocks and serialization failures are tried again this often. */
const MAX_RETRIES = 3;
/** Longest wait before the first retry; doubles per retry. Unit: milliseconds. */
const RETRY_BASE_MS = 20;
/**
 * Up to its deadline a transaction is ended by cancelling its statement, which keeps the connection. The server closes
 * the connection this much later, if by then nobody did: our process is frozen. Unit: milliseconds.
 */
const FROZEN_AFTER_MS = 50;

export interface OpenDatabaseOptions extends ConnectionPoolOptions {
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
  /** Jitter of the retries, in [0, 1). @default Math.random */
  random?: () => number;
}

export interface TransactionOptions {
  /** Longest wait for any one lock. Unit: milliseconds. @default until the deadline */
  lockTimeoutMs?: number;
  /** Whether to run `work` again after a deadlock or a serialization failure. @default true */
  retryDeadlocks?: boolean;
}

/** A service's own database. Dispose it to close its connections; that waits for the transactions that are open. */
export interface Database<Schema> extends AsyncDisposable {
  /**
   * Runs `work` in one transaction (READ COMMITTED) inside the scope, and commits it; rolls back if `work` throws. The
   * only way to run SQL: at the scope's deadline, or when its signal aborts, the running statement ends in the database
   * within 100 ms, nothing is committed any more, and the call rejects. A frozen process loses its transaction, too.
   *
   * `work` may run up to four times (deadlocks): have effects only through `tx`. Statements run one after the other.
   * Costs one round trip to begin and one to commit.
   *
   * @throws {DatabaseError} See {@link DatabaseErrorKind}; other errors of the server and of `work` pass as they are.
   */
  transaction<T>(scope: Scope, work: (tx: Transaction<Schema>) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

/** Opens the database without connecting yet: the first transaction connects, and so does the one after an outage. */
export function openDatabase<Schema>(options: OpenDatabaseOptions): Database<Schema> {
  const { now = Date.now, random = Math.random } = options;
  const pool = connectionPool(options);

  return {
    async transaction(scope, work, { lockTimeoutMs, retryDeadlocks = true } = {}) {
      using bounds = boundedSignal(scope, now);
      const { signal } = bounds;
      for (let retry = 0; ; retry++) {
        try {
          return await runOnce(pool, { deadline: scope.deadline, signal }, work, lockTimeoutMs, now);
        } catch (error) {
          if (!retryDeadlocks || retry === MAX_RETRIES || !isConflict(error)) throw error;
          await raceSignal(sleep(random() * RETRY_BASE_MS * 2 ** retry), signal);
        }
      }
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

async function runOnce<Schema, T>(
  pool: ConnectionPool,
  scope: Scope,
  work: (tx: Transaction<Schema>) => Promise<T>,
  lockTimeoutMs: number | undefined,
  now: () => number,
): Promise<T> {
  const session = await beginSession(pool, scope, lockTimeoutMs, now);
  try {
    const kysely = new Kysely<Schema>({ dialect: sessionDialect(session) });
    return await kysely.transaction().execute((tx) => raceSignal(work(tx), scope.signal));
  } finally {
    session.release();
  }
}

/** Begins on a connection that answers: one that died while it was idle is replaced, nothing has happened on it. */
async function beginSession(
  pool: ConnectionPool,
  scope: Scope,
  lockTimeoutMs: number | undefined,
  now: () => number,
): Promise<Session> {
  for (;;) {
    const { used, ...connection } = await pool.acquire(scope.signal);
    const session = openSession({ ...connection, ...scope, now });
    try {
      await session.execute(beginStatement(scope.deadline - now(), lockTimeoutMs));
      return session;
    } catch (error) {
      await session.rollback();
      session.release();
      const diedIdle = used && session.broken && !scope.signal.aborted;
      if (!diedIdle) throw error;
    }
  }
}

function beginStatement(remainingMs: number, lockTimeoutMs: number | undefined): string {
  const statementMs = Math.min(Math.max(Math.ceil(remainingMs), 1), LONGEST_TIMER_MS - FROZEN_AFTER_MS);
  const transactionMs = statementMs + FROZEN_AFTER_MS;
  return [
    "begin isolation level read committed",
    `set local statement_timeout = ${statementMs}`,
    `set local transaction_timeout = ${transactionMs}`,
    `set local idle_in_transaction_session_timeout = ${transactionMs}`, // the session's own is shorter
    `set local lock_timeout = ${lockTimeoutMs ?? 0}`,
    // A killed process closes its connections: its running statements end too, not only its idle transactions.
    "set local client_connection_check_interval = 100",
  ].join("; ");
}

function isConflict(error: unknown): boolean {
  return error instanceof DatabaseError && error.kind === DatabaseErrorKind.Conflict && !error.outcomeUnknown;
}
