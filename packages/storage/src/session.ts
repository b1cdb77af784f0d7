import { setTimeout as sleep } from "node:timers/promises";
import type { PoolClient, QueryResult } from "pg";
import { cancelStatement } from "./cancel-statement.ts";
import { type DatabaseError, DatabaseErrorKind } from "./database-error.ts";
import { databaseError, endsConnection, isServerError, QUERY_CANCELED, toDatabaseError } from "./sql-state.ts";

/** A cancelled statement, a commit or a rollback that has not ended after this time loses its connection. */
const GRACE_MS = 80;
/** A cancel request may arrive before the statement does, and is then ignored: it is sent again. */
const CANCEL_AGAIN_MS = 20;
/** The server's own timeout may be a little ahead of our timer for the same instant. */
const CLOCK_TOLERANCE_MS = 10;

export interface SessionOptions {
  client: PoolClient;
  /** Ends the session's statements. Its reason is the error that they reject with. */
  signal: AbortSignal;
  /** Unit: milliseconds since the epoch. */
  deadline: number;
  now: () => number;
  /** Whether the connection is known to be gone. */
  isLost: () => boolean;
}

/** One transaction on one connection of the pool: one statement at a time, none after the signal aborted. */
export interface Session {
  execute(text: string, values?: readonly unknown[]): Promise<QueryResult>;
  /** @throws {DatabaseError} `outcomeUnknown` if the connection is lost meanwhile. */
  commit(): Promise<void>;
  /** Never rejects: where it fails, the connection is given up, and the server rolls back by itself. */
  rollback(): Promise<void>;
  /** Gives the connection back to the pool, or closes it if it is of no more use. */
  release(): void;
  readonly broken: boolean;
}

export function openSession({ client, signal, deadline, now, isLost }: SessionOptions): Session {
  let broken = false;
  let ended = false;
  let failure: unknown;
  let turn: Promise<unknown> = Promise.resolve();
  let cancelling: Promise<void> | undefined;

  /** `pg` destroys the socket of a client that is ended while a statement runs; the server notices within 100 ms. */
  const giveUp = () => {
    broken = true;
    client.end().catch(() => undefined); // it is on its way out, and whatever waits on it has been told
  };

  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const result = turn.then(step);
    turn = result.catch(() => undefined);
    return result;
  };

  /** Runs the statement; `onAbort` is called if the signal aborts before it has settled. */
  const send = async (text: string, values: readonly unknown[], onAbort: (settled: Promise<unknown>) => void) => {
    const statement = client.query(text, [...values]);
    const settled = statement.then(
      () => true,
      () => true,
    );
    const listener = () => onAbort(settled);
    if (signal.aborted) listener();
    signal.addEventListener("abort", listener, { once: true });
    try {
      return await statement;
    } catch (error) {
      if (endsConnection(error) || isLost()) broken = true;
      throw error;
    } finally {
      signal.removeEventListener("abort", listener);
    }
  };

  const cancel = (settled: Promise<unknown>) => {
    cancelling = (async () => {
      const giveUpAt = performance.now() + GRACE_MS;
      while (performance.now() < giveUpAt) {
        if (!(await cancelStatement(client, GRACE_MS))) break;
        if (await Promise.race([settled, sleep(CANCEL_AGAIN_MS, false)])) return;
      }
      giveUp();
    })();
  };

  const giveUpUnlessSettled = (settled: Promise<unknown>) => {
    const timer = setTimeout(giveUp, GRACE_MS);
    void settled.then(() => clearTimeout(timer));
  };

  const explain = (error: unknown): unknown => {
    if (signal.aborted) return signal.reason;
    const timedOut = isServerError(error) && error.code === QUERY_CANCELED && deadline - now() < CLOCK_TOLERANCE_MS;
    if (timedOut) return databaseError(DatabaseErrorKind.Deadline, error);
    if (broken && !isServerError(error)) return databaseError(DatabaseErrorKind.Unavailable, error);
    return toDatabaseError(error);
  };

  const assertUsable = () => {
    if (ended) throw new Error("Cannot run a statement: its transaction has ended");
    signal.throwIfAborted();
  };

  return {
    get broken() {
      return broken;
    },

    execute(text, values = []) {
      return inTurn(async () => {
        assertUsable();
        try {
          return await send(text, values, cancel);
        } catch (error) {
          throw (failure = explain(error));
        }
      });
    },

    commit() {
      return inTurn(async () => {
        assertUsable();
        ended = true;
        let tag: string;
        try {
          tag = (await send("commit", [], giveUpUnlessSettled)).command;
        } catch (error) {
          // Only an ERROR says that it was rolled back. After a cancellation or a lost connection it may have happened.
          const refused = isServerError(error) && error.severity === "ERROR" && error.code !== QUERY_CANCELED;
          if (refused) throw toDatabaseError(error);
          broken = true;
          const { kind } = signal.aborted ? (signal.reason as DatabaseError) : databaseError("unavailable");
          throw databaseError(kind, error, true);
        }
        // After a failed statement the server answers COMMIT with ROLLBACK, and calls that a success.
        if (tag === "ROLLBACK") throw failure;
      });
    },

    rollback() {
      return inTurn(async () => {
        await cancelling;
        if (ended || broken) return;
        ended = true;
        const timer = setTimeout(giveUp, GRACE_MS);
        try {
          await client.query("rollback");
        } catch {
          broken = true; // closing the connection rolls back as well
        } finally {
          clearTimeout(timer);
        }
      });
    },

    release() {
      client.release(broken || isLost());
    },
  };
}
