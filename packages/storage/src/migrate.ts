import { Kysely, PostgresDialect, sql } from "kysely";
import { type Migration, type MigrationProvider, Migrator } from "kysely/migration";
import { Pool } from "pg";
import { type MigrationFile, readMigrationFiles } from "./migration-files.ts";
import { waitForDatabase } from "./wait-for-database.ts";

export interface MigrateOptions {
  /** How long to wait for a database that does not answer yet. Unit: milliseconds. @default 60_000 */
  waitMs?: number;
  /** Called with a sentence while waiting and per applied file. @default nothing */
  onProgress?: (message: string) => void;
}

/** Kept beside Kysely's own tables: what each file contained when it was applied. */
interface MigrationTables {
  migration_checksum: { name: string; sha256: string };
}

/**
 * Brings the schema up to date: applies the files `0001_name.sql`, `0002_…` of the folder that the database lacks, in
 * order and all in one transaction. Safe when several instances start at once: one applies, the others wait for it.
 *
 * @throws {Error} If a file's name has another form, a file was changed or removed after it was applied, or its SQL fails.
 * @throws {DatabaseError} `unavailable` if the database did not answer for `waitMs`.
 */
export async function migrate(url: string, folder: URL, options: MigrateOptions = {}): Promise<void> {
  const { waitMs = 60_000, onProgress = () => {} } = options;
  const files = await readMigrationFiles(folder);
  await waitForDatabase(url, { waitMs, onProgress });
  // Two connections: Kysely's migrator keeps one, the files are compared over the other.
  const pool = new Pool({ connectionString: url, max: 2, application_name: "migrate" });
  pool.on("error", (error) => onProgress(`lost a connection to the database: ${error.message}`));
  await using db = new Kysely<MigrationTables>({ dialect: new PostgresDialect({ pool }) });
  const { error, results = [] } = await new Migrator({ db, provider: provider(db, files) }).migrateToLatest();
  if (error !== undefined) {
    const failed = results.find(({ status }) => status === "Error")?.migrationName;
    const why = error instanceof Error ? error.message : "unknown error";
    throw new Error(`Cannot migrate${failed === undefined ? "" : ` with "${failed}.sql"`}: ${why}`, { cause: error });
  }
  for (const { migrationName } of results) onProgress(`applied ${migrationName}.sql`);
}

/** Kysely asks for the migrations when it holds its lock: what is compared then is what is applied. */
function provider(db: Kysely<MigrationTables>, files: readonly MigrationFile[]): MigrationProvider {
  return {
    async getMigrations() {
      await db.schema
        .createTable("migration_checksum")
        .ifNotExists()
        .addColumn("name", "text", (column) => column.primaryKey())
        .addColumn("sha256", "text", (column) => column.notNull())
        .execute();
      const applied = await db.selectFrom("migration_checksum").selectAll().execute();
      const sums = new Map(files.map(({ name, sha256 }) => [name, sha256]));
      const changed = applied.find(({ name, sha256 }) => sums.has(name) && sums.get(name) !== sha256);
      if (changed !== undefined) {
        throw new Error(`"${changed.name}.sql" was changed after it had been applied; add a new file instead`);
      }
      return Object.fromEntries(files.map((file) => [file.name, toMigration(file)]));
    },
  };
}

function toMigration({ name, text, sha256 }: MigrationFile): Migration {
  return {
    async up(db: Kysely<MigrationTables>) {
      await sql.raw(text).execute(db);
      await db.insertInto("migration_checksum").values({ name, sha256 }).execute();
    },
  };
}
