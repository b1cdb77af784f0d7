import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { createLogger, drain, main, runUntilSignal } from "@holdfast/process";
import { parseFaults, serve, server as rpc } from "@holdfast/rpc";
import { listen, migrate, openDatabase } from "@holdfast/storage";
import { STOCK_CHANNEL } from "./adapters/notify-stock.ts";
import { openBrowseDatabase } from "./adapters/open-browse-database.ts";
import { pruneKeys } from "./adapters/prune-keys.ts";
import type { Schema } from "./adapters/schema.ts";
import { readConfig } from "./config.ts";
import { handlers } from "./handlers.ts";
import { pruneLoop } from "./prune-loop.ts";

await main("product", async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: "product", level: config.LOG_LEVEL });
  log.info({ config }, "configuration");
  const lifecycle = runUntilSignal({ log, drainMs: config.DRAIN_MS });
  const onConnectionLost = (err: unknown) => log.warn({ err }, "lost a connection to the database");

  await migrate(config.DATABASE_URL, new URL("./migrations/", import.meta.url), {
    onProgress: (message) => log.info({}, message),
  });
  const db = openDatabase<Schema>({
    url: config.DATABASE_URL,
    maxConnections: config.DATABASE_CONNECTIONS,
    applicationName: "product",
    onConnectionLost,
  });
  lifecycle.onDrain("database", () => db[Symbol.asyncDispose]());
  const browseDb = openBrowseDatabase({ url: config.DATABASE_URL, onConnectionLost });
  lifecycle.onDrain("database of lists and watches", () => browseDb[Symbol.asyncDispose]());

  const notifications = listen(config.DATABASE_URL, [STOCK_CHANNEL], { onConnectionLost });
  lifecycle.onDrain("notifications", () => notifications[Symbol.asyncDispose]());

  const prune = pruneKeys(db, { keepHours: config.IDEMPOTENCY_KEEP_HOURS });
  const pruning = pruneLoop({ prune, intervalMs: config.PRUNE_INTERVAL_MS, signal: lifecycle.signal, log });
  lifecycle.onDrain("pruning", () => pruning);

  // Nearest to the wire first: docs/interceptors.md says what each one does, and why in this order.
  const load = rpc.loadShed({ minInFlight: config.MIN_IN_FLIGHT });
  const admission = [rpc.guard(), rpc.context(), rpc.telemetry(), rpc.drain(), rpc.deadline(), load];
  const request = [rpc.fault(parseFaults(config.FAULTS)), rpc.validation(), rpc.errors()];
  const server = await serve(ProductServiceDefinition, handlers({ db, browseDb, notifications, config }), {
    listen: config.LISTEN,
    log,
    chain: [...admission, ...request],
  });
  lifecycle.onDrain("server", () => drain({ server, times: config }));
  server.health.set(true);
  lifecycle.ready({ port: server.port });
});
