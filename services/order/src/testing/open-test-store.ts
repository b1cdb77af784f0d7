import { createLogger } from "@holdfast/process";
import { migrate } from "@holdfast/storage";
import { createTestDatabase } from "@holdfast/testkit";
import { Client, type QueryResultRow } from "pg";
import { openStore, type OpenStoreOptions, type Store } from "../adapters/open-store.ts";
import { eventToJson } from "../rpc/event-to-proto.ts";

/** A store on a fresh database with the service's tables. */
export interface TestStore extends Store {
  readonly url: string;
  /** A query outside the store, to see what it has written. */
  query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** A second store on the same database, as another instance of the service has one. */
  openAnother(config?: Partial<OpenStoreOptions["config"]>): Store;
}

export const testLog = createLogger({ service: "test", level: process.env["TEST_LOG"] ?? "silent" });

/** Opens it; disposing drops the database. */
export async function openTestStore(config: Partial<OpenStoreOptions["config"]> = {}): Promise<TestStore> {
  const stack = new AsyncDisposableStack();
  const { url } = stack.use(await createTestDatabase());
  await migrate(url, new URL("../migrations/", import.meta.url));
  const client = new Client({ connectionString: url });
  await client.connect();
  stack.defer(() => client.end());
  const openAnother = (change: Partial<OpenStoreOptions["config"]> = {}) =>
    stack.use(
      openStore({
        config: {
          DATABASE_URL: url,
          DATABASE_CONNECTIONS: 10,
          LEASE_MS: 10_000,
          ORDER_EXPIRES_MS: 3_600_000,
          IDEMPOTENCY_KEEP_HOURS: 48,
          ...config,
          ...change,
        },
        eventToJson,
        log: testLog,
      }),
    );
  const query = async <Row extends QueryResultRow>(text: string, values: unknown[] = []) =>
    (await client.query<Row>(text, values)).rows;
  const store = openAnother();
  return { ...store, url, query, openAnother, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
