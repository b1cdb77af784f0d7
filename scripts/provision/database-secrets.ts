import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ServiceDatabase } from "@holdfast/storage";

/**
 * The passwords of the services' databases. What a service is told is in `<folder>/<service>/database-url`: made the first
 * time, and kept. A reader sees a whole file or none.
 */
export async function databaseSecrets(
  folder: string,
  services: readonly string[],
  host: string,
): Promise<ServiceDatabase[]> {
  return Promise.all(services.map((name) => databaseSecret(join(folder, name), name, host)));
}

async function databaseSecret(folder: string, name: string, host: string): Promise<ServiceDatabase> {
  const file = join(folder, "database-url");
  const kept = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined; // the first time
    throw error;
  });
  const password = (kept === undefined ? "" : new URL(kept).password) || randomBytes(24).toString("base64url");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Of a start that was cut short: nobody may write to it, and only its owner may remove it.
  await rm(`${file}.new`, { force: true });
  await writeFile(`${file}.new`, `postgresql://${name}:${password}@${host}/${name}`, {
    mode: 0o400,
    flush: true,
    flag: "wx",
  });
  await rename(`${file}.new`, file);
  return { name, password };
}
