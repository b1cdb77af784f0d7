import pg from "pg";

/** How many rows each table of each database has: what a refused request must not change. */
export async function rowCounts(databases: Readonly<Record<string, string>>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [name, connectionString] of Object.entries(databases)) {
    const client = new pg.Client({ connectionString });
    await client.connect();
    const tables = await client.query<{ table: string }>(
      `select quote_ident(table_name) as table from information_schema.tables where table_schema = 'public' order by 1`,
    );
    // A check that counts nothing always holds.
    if (tables.rows.length === 0) throw new Error(`The ${name} database has no tables`);
    for (const { table } of tables.rows) {
      const { rows } = await client.query<{ count: string }>(`select count(*) from ${table}`);
      counts[`${name}.${table}`] = Number(rows[0]?.count);
    }
    await client.end();
  }
  return counts;
}
