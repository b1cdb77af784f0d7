import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

const ITERATIONS = 4_096;

/**
 * What PostgreSQL keeps instead of a password. Sent in its place, as psql's \password does, the password itself stands in no
 * statement, and so in no log of statements.
 *
 * @throws {RangeError} If it is not printable ASCII: only that is its own normal form.
 * Source: RFC 5802 (section 3), RFC 7677; the form is that of pg_authid.rolpassword.
 */
export function scramVerifier(password: string, salt = randomBytes(16)): string {
  if (!/^[ -~]+$/.test(password)) throw new RangeError("Cannot set the password: it must be printable ASCII");
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, "sha256");
  const keyFor = (use: string) => createHmac("sha256", salted).update(use).digest();
  const storedKey = createHash("sha256").update(keyFor("Client Key")).digest("base64");
  const serverKey = keyFor("Server Key").toString("base64");
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}
