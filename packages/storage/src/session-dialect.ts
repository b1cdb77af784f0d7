import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from "kysely";
import type { Session } from "./session.ts";

const COUNTED = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);

/** Kysely on top of one open session: builds the SQL, and leaves connection, begin, commit and rollback to the session. */
export function sessionDialect(session: Session): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => sessionDriver(session),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

function sessionDriver(session: Session): Driver {
  const connection = sessionConnection(session);
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: async () => {}, // has begun: together with its timeouts, in one round trip
    commitTransaction: () => session.commit(),
    rollbackTransaction: () => session.rollback(),
    releaseConnection: async () => {},
    destroy: async () => {},
  };
}

function sessionConnection(session: Session): DatabaseConnection {
  return {
    async executeQuery<R>(query: CompiledQuery) {
      const { command, rowCount, rows } = await session.execute(query.sql, query.parameters);
      if (!COUNTED.has(command)) return { rows: rows as R[] };
      return { rows: rows as R[], numAffectedRows: BigInt(rowCount ?? 0) };
    },
    streamQuery() {
      throw new Error("Cannot stream a query: read it page by page, a transaction must stay short");
    },
  };
}
