import { Client, escapeIdentifier, escapeLiteral } from "pg";
import { scramVerifier } from "./scram-verifier.ts";

/** Any number that nothing else locks; provisioning runs once at a time. */
const LOCK_KEY = 7_305_131;

export interface ServiceDatabase {
  /** Name of the service's database and of the role that owns it. */
  name: string;
  /** Printable ASCII. */
  password: string;
}

/**
 * Gives each service a database and a role of its own: the role owns its database and cannot connect to another's.
 * Repeating it changes nothing but the passwords, and running it twice at once is safe.
 */
export async function provision(adminUrl: string, services: readonly ServiceDatabase[]): Promise<void> {
  const admin = new Client({ connectionString: adminUrl, application_name: "provision" });
  admin.on("error", () => undefined); // a connection that is lost fails the query too
  await admin.connect();
  try {
    await admin.query("select pg_advisory_lock($1)", [LOCK_KEY]);
    for (const service of services) await provisionOne(admin, service);
  } finally {
    await admin.end(); // releases the lock
  }
}

async function provisionOne(admin: Client, { name, password }: ServiceDatabase): Promise<void> {
  const identifier = escapeIdentifier(name);
  const roles = await admin.query("select from pg_roles where rolname = $1", [name]);
  const verb = roles.rowCount === 0 ? "create" : "alter";
  await admin.query(`${verb} role ${identifier} with login password ${escapeLiteral(scramVerifier(password))}`);
  const databases = await admin.query("select from pg_database where datname = $1", [name]);
  if (databases.rowCount === 0) await admin.query(`create database ${identifier} owner ${identifier}`);
  await admin.query(`revoke connect, temporary on database ${identifier} from public`);
}
