import { type Database, migrate, openDatabase } from "@holdfast/storage";
import { createTestDatabase } from "@holdfast/testkit";
import type { Schema } from "../adapters/schema.ts";

/** A migrated database of the service, empty. */
export interface TestProductDatabase extends AsyncDisposable {
  readonly db: Database<Schema>;
  /** Connects as the service does. */
  readonly url: string;
}

export async function openTestDatabase(): Promise<TestProductDatabase> {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await createTestDatabase());
  await migrate(url, new URL("../migrations/", import.meta.url));
  // Tests queue a hundred calls at once on purpose, on machines that do other things as well.
  const db = stack.use(openDatabase<Schema>({ url, acquireTimeoutMs: 60_000 }));
  const owned = stack.move();
  return { db, url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
