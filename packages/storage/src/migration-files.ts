import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";

const FILE_NAME = /^\d{4}_[a-z0-9_]+\.sql$/;

export interface MigrationFile {
  /** Without `.sql`. */
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

/** The folder's migrations in order. @throws {Error} If a file is not named like `0001_what_it_does.sql`. */
export async function readMigrationFiles(folder: URL): Promise<MigrationFile[]> {
  const base = new URL(folder.href.endsWith("/") ? folder.href : `${folder.href}/`);
  const names = (await readdir(base)).sort();
  const misnamed = names.find((name) => !FILE_NAME.test(name));
  if (misnamed !== undefined) throw new Error(`Cannot migrate: "${misnamed}" is not named like 0001_what_it_does.sql`);
  return Promise.all(names.map((name) => readMigrationFile(base, name)));
}

async function readMigrationFile(base: URL, file: string): Promise<MigrationFile> {
  // Git may check it out with other line ends on another machine: that is no change.
  const text = (await readFile(new URL(file, base), "utf8")).replaceAll("\r\n", "\n");
  return { name: file.slice(0, -".sql".length), text, sha256: createHash("sha256").update(text).digest("hex") };
}
