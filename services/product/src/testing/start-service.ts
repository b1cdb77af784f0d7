import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { createLogger } from "@holdfast/process";
import { type Connected, connect, serve } from "@holdfast/rpc";
import { type Database, listen } from "@holdfast/storage";
import { STOCK_CHANNEL } from "../adapters/notify-stock.ts";
import { openBrowseDatabase } from "../adapters/open-browse-database.ts";
import type { Schema } from "../adapters/schema.ts";
import { handlers, type HandlersDeps } from "../handlers.ts";
import { openTestDatabase } from "./open-test-database.ts";

/** The service's real handlers on a database of their own, and a client of theirs. */
export interface TestService extends AsyncDisposable {
  readonly client: Connected<typeof ProductServiceDefinition>;
  readonly db: Database<Schema>;
  readonly browseDb: Database<Schema>;
  /** `host:port` */
  readonly target: string;
}

export type TestServiceOptions = Partial<HandlersDeps["config"]>;

export async function startService(options: TestServiceOptions = {}): Promise<TestService> {
  await using stack = new AsyncDisposableStack();
  const { db, url } = stack.use(await openTestDatabase());
  const browseDb = stack.use(openBrowseDatabase({ url, acquireTimeoutMs: 60_000 }));
  const notifications = stack.use(listen(url, [STOCK_CHANNEL]));
  const config = { IDEMPOTENCY_WAIT_MS: 2_000, HEARTBEAT_MS: 15_000, WATCH_POLL_MS: 60_000, ...options };
  const log = createLogger({ service: "product", level: "error" });
  const server = stack.use(
    await serve(ProductServiceDefinition, handlers({ db, browseDb, notifications, config }), {
      listen: "127.0.0.1:0",
      log,
    }),
  );
  const target = `127.0.0.1:${server.port}`;
  const client = stack.use(connect(ProductServiceDefinition, target, { timeoutMs: 20_000 }));
  const owned = stack.move();
  return { client, db, browseDb, target, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
