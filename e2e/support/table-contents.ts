import pg from "pg";
import { inject } from "vitest";

/** A digest of every row of every table of every service, by `service.table`: equal when nothing has been written. */
export async function tableContents(): Promise<Record<string, string>> {
  const { databaseUrls } = inject("stack");
  const digests: Record<string, string> = {};
  for (const [service, connectionString] of Object.entries(databaseUrls)) {
    const client = new pg.Client({ connectionString });
    await client.connect();
    const { rows: tables } = await client.query<{ name: string }>(
      "select tablename as name from pg_tables where schemaname = 'public' order by 1",
    );
    // A check that reads nothing always holds.
    if (tables.length === 0) throw new Error(`The ${service} database has no tables`);
    for (const { name } of tables) {
      const { rows } = await client.query<{ digest: string }>(
        `select md5(coalesce(string_agg(t::text, E'\\n' order by t::text), '')) as digest from ${pg.escapeIdentifier(name)} t`,
      );
      digests[`${service}.${name}`] = rows[0]?.digest ?? "";
    }
    await client.end();
  }
  return digests;
}
