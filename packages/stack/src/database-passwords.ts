import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { SERVICE_NAMES, type ServiceName } from "./programs.ts";
import { readKept } from "./read-kept.ts";
import type { StackFolder } from "./stack-folder.ts";
import { writePrivately } from "./write-privately.ts";

export interface DatabasePasswords {
  readonly of: Readonly<Record<ServiceName, string>>;
  /** The database knows them: an earlier start has said so with {@link markProvisioned}. */
  readonly areKnown: boolean;
}

/** The passwords of the services' database roles: random, made once a folder. */
export async function databasePasswords({ passwords, postgres }: StackFolder): Promise<DatabasePasswords> {
  const kept = await readKept<Record<ServiceName, string>>(passwords);
  const of = Object.fromEntries(
    SERVICE_NAMES.map((name) => [name, kept[name] ?? randomBytes(24).toString("base64url")]),
  ) as Record<ServiceName, string>;
  const areKnown = SERVICE_NAMES.every((name) => kept[name] !== undefined) && existsSync(postgres);
  return { of, areKnown };
}

/** Keeps the passwords; to be called when the database has them. */
export async function markProvisioned({ passwords }: StackFolder, { of, areKnown }: DatabasePasswords): Promise<void> {
  if (!areKnown) await writePrivately(passwords, of);
}
