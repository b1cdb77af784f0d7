import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { DatabaseErrorKind } from "./database-error.ts";
import { databaseError, isServerError, toDatabaseError } from "./sql-state.ts";

const RETRY_MS = 100;
const CONNECT_TIMEOUT_MS = 2_000;
/** Nobody wants to read about the first moment of a normal start. */
const SAY_AFTER_MS = 1_000;
const SAY_EVERY_MS = 5_000;

export interface WaitForDatabaseOptions {
  /** Unit: milliseconds. */
  waitMs: number;
  onProgress: (message: string) => void;
}

/**
 * Waits until the database takes connections.
 *
 * @throws {DatabaseError} `unavailable` after `waitMs`. A wrong password or an unknown database is thrown at once.
 */
export async function waitForDatabase(url: string, { waitMs, onProgress }: WaitForDatabaseOptions): Promise<void> {
  const start = performance.now();
  let sayAt = SAY_AFTER_MS;
  for (;;) {
    const problem = await tryToConnect(url);
    if (problem === undefined) return;
    if (isServerError(problem) && toDatabaseError(problem) === problem) throw problem; // waiting will not change it
    const waitedMs = performance.now() - start;
    if (waitedMs >= waitMs) throw databaseError(DatabaseErrorKind.Unavailable, problem);
    if (waitedMs >= sayAt) {
      onProgress(`waiting for the database, ${Math.round(waitedMs / 1_000)} s so far: ${problem.message}`);
      sayAt += SAY_EVERY_MS;
    }
    await sleep(Math.min(RETRY_MS, waitMs - waitedMs));
  }
}

async function tryToConnect(url: string): Promise<Error | undefined> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on("error", () => undefined); // lost while being closed again; connect() and end() report what matters
  try {
    await client.connect();
    await client.end();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
