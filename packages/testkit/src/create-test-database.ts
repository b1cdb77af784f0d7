import { randomBytes } from "node:crypto";
import { provision } from "@holdfast/storage";
import { Client, escapeIdentifier } from "pg";
import { inject } from "vitest";

export interface TestDatabase extends AsyncDisposable {
  /** Connects as the role that owns it, with the rights a service has. */
  readonly url: string;
  /** Connects to it as the superuser, to look at locks and sessions from outside. */
  readonly adminUrl: string;
  /** Name of the database and of its role. */
  readonly name: string;
}

/** A fresh, empty database with a role of its own. Disposing drops both, connections that are still open included. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = inject("postgresAdminUrl");
  const name = `test_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(12).toString("hex");
  await provision(serverUrl, [{ name, password }]);
  const adminUrl = new URL(serverUrl);
  adminUrl.pathname = name;
  const url = new URL(adminUrl);
  url.username = name;
  url.password = password;
  return { url: url.href, adminUrl: adminUrl.href, name, [Symbol.asyncDispose]: () => drop(serverUrl, name) };
}

async function drop(serverUrl: string, name: string): Promise<void> {
  const admin = new Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    await admin.query(`drop database ${escapeIdentifier(name)} with (force)`);
    await admin.query(`drop role ${escapeIdentifier(name)}`);
  } finally {
    await admin.end();
  }
}
