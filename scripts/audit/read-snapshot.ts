import { Client, types as defaultTypes } from "pg";
import { InputError } from "./input-error.ts";

/** Longest time of one statement. Unit: milliseconds. */
const STATEMENT_MS = 60_000;
const INT8 = 20;

/** A database as it was at one moment. */
export interface Snapshot extends AsyncDisposable {
  /** int8 comes as bigint; sums have to be cast to it. */
  query<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
}

/**
 * Opens a read-only view of a database that does not change while it is read. Taken when this resolves: of two snapshots
 * the later one contains everything that followed from what the earlier one contains.
 *
 * @throws {InputError} If the database cannot be reached.
 */
export async function readSnapshot(url: string): Promise<Snapshot> {
  const client = new Client({
    connectionString: url,
    application_name: "audit",
    connectionTimeoutMillis: 5_000,
    statement_timeout: STATEMENT_MS,
    types: {
      getTypeParser: (oid: number, format?: "text" | "binary") =>
        oid === INT8 ? BigInt : defaultTypes.getTypeParser(oid, format),
    },
  });
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined); // reported by the query that waits for it, if any
  client.on("error", lost.reject);
  await client.connect().catch((error: Error) => {
    const { host, pathname } = new URL(url);
    const where = `database "${pathname.slice(1)}" at ${host}`;
    throw new InputError(`Cannot open ${where}: ${error.message || "no answer"}; is the stack running?`, {
      cause: error,
    });
  });
  try {
    await client.query("begin isolation level repeatable read read only");
    await client.query("select 1"); // the first statement takes the snapshot
  } catch (error) {
    await client.end();
    throw error;
  }
  return {
    query: async <Row>(sql: string, values: readonly unknown[] = []) => {
      const { rows } = await Promise.race([client.query(sql, [...values]), lost.promise]);
      return rows as Row[];
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}
