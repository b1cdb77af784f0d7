import { Client } from "pg";

/** A look at a test's database from outside: a superuser's connection of its own. */
export interface Observer extends AsyncDisposable {
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Statements and open transactions of other connections, as `pid` and `query`. */
  busy(): Promise<Record<string, unknown>[]>;
  /** Resolves when exactly one other connection runs a statement that contains the text; returns its process. */
  running(text: string): Promise<number>;
}

export async function observe(adminUrl: string): Promise<Observer> {
  const client = new Client({ connectionString: adminUrl, application_name: "observer" });
  await client.connect();
  const query = async (text: string, values: unknown[] = []) => (await client.query(text, values)).rows;
  const busy = () =>
    query(
      `select pid, query, state from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
       and backend_type = 'client backend' and state <> 'idle'`,
    );
  return {
    query,
    busy,
    async running(text) {
      for (;;) {
        const found = (await busy()).filter((row) => row["state"] === "active" && String(row["query"]).includes(text));
        if (found.length === 1) return found[0]?.["pid"] as number;
      }
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}
