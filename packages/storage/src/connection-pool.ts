import { Pool, type PoolClient, types } from "pg";
import { DatabaseErrorKind } from "./database-error.ts";
import { raceSignal } from "./race-signal.ts";
import { databaseError, isServerError, toDatabaseError } from "./sql-state.ts";

export interface ConnectionPoolOptions {
  /** `postgresql://role:password@host:port/database` */
  url: string;
  /** Connections at most. @default 10 */
  maxConnections?: number;
  /**
   * Longest wait for a connection, free or new; a scope's deadline ends it earlier. Long enough for a burst of 100 calls
   * on a busy machine to take its turn, the first one while every connection is still being made. Unit: milliseconds.
   * @default 2_000
   */
  acquireTimeoutMs?: number;
  /** How the connections show in `pg_stat_activity`. @default "holdfast" */
  applicationName?: string;
  /** Called when an idle connection is lost. The pool replaces it by itself; this is for the log. @default nothing */
  onConnectionLost?: (error: Error) => void;
}

/** A `pg` pool that survives lost connections, reads int8 as bigint, and can be waited on with a signal. */
export interface ConnectionPool extends AsyncDisposable {
  /** @throws {DatabaseError} `unavailable`, or the signal's reason. */
  acquire(signal: AbortSignal): Promise<PooledConnection>;
}

export interface PooledConnection {
  readonly client: PoolClient;
  /** Whether it has been used before, and so may have died unnoticed. */
  readonly used: boolean;
  isLost(): boolean;
}

export function connectionPool(options: ConnectionPoolOptions): ConnectionPool {
  const {
    url,
    maxConnections = 10,
    acquireTimeoutMs = 2_000,
    applicationName = "holdfast",
    onConnectionLost,
  } = options;
  const lost = new WeakSet<object>();
  const used = new WeakSet<object>();
  const pool = new Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: acquireTimeoutMs,
    idleTimeoutMillis: 30_000,
    // Between transactions nothing is open. A transaction that the server aborted, and that a frozen process does not
    // roll back, has lost its own timeouts with its other settings; its locks are gone, this ends its session.
    idle_in_transaction_session_timeout: 1_000,
    application_name: applicationName,
    // A peer that vanished without a word is noticed by the kernel, not at the next request.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: {
      getTypeParser: (oid, format) => (oid === types.builtins.INT8 ? BigInt : types.getTypeParser(oid, format)),
    },
  });
  // Without a listener the loss of a connection would end the process, whether the connection is in use or not.
  pool.on("connect", (client) => client.on("error", () => lost.add(client)));
  pool.on("error", (error) => onConnectionLost?.(error));

  return {
    async acquire(signal) {
      signal.throwIfAborted();
      const pending = pool.connect();
      const client = await raceSignal(pending, signal).catch((error: unknown) => {
        if (!signal.aborted) throw explain(error);
        pending.then(
          (late) => late.release(),
          () => undefined, // nobody waits for it any more
        );
        throw signal.reason;
      });
      const wasUsed = used.has(client);
      used.add(client);
      return { client, used: wasUsed, isLost: () => lost.has(client) };
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

/** Every reason that is not the server's own is one of not having reached it. */
function explain(error: unknown): unknown {
  return isServerError(error) ? toDatabaseError(error) : databaseError(DatabaseErrorKind.Unavailable, error);
}
