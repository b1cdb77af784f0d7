import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Handlers } from "@holdfast/rpc";
import type { Database, Notifications } from "@holdfast/storage";
import * as creating from "./adapters/create-product-in-postgres.ts";
import { storeDrafts } from "./adapters/import-in-postgres.ts";
import { STOCK_CHANNEL } from "./adapters/notify-stock.ts";
import { findProducts, readPage } from "./adapters/products-in-postgres.ts";
import * as reservations from "./adapters/reservations-in-postgres.ts";
import type { Schema } from "./adapters/schema.ts";
import { readStockLevels } from "./adapters/stock-levels-in-postgres.ts";
import type { Config } from "./config.ts";
import { batchGetProducts } from "./rpc/batch-get-products.ts";
import { commitStock } from "./rpc/commit-stock.ts";
import { createProduct } from "./rpc/create-product.ts";
import { getProduct } from "./rpc/get-product.ts";
import { importProducts } from "./rpc/import-products.ts";
import { listProducts } from "./rpc/list-products.ts";
import { releaseStock } from "./rpc/release-stock.ts";
import { reserveStock } from "./rpc/reserve-stock.ts";
import { watchStock } from "./rpc/watch-stock.ts";

export interface HandlersDeps {
  db: Database<Schema>;
  /** Of lists, searches and watches, which may take long. */
  browseDb: Database<Schema>;
  notifications: Notifications;
  config: Pick<Config, "IDEMPOTENCY_WAIT_MS" | "HEARTBEAT_MS" | "WATCH_POLL_MS">;
}

/** Every RPC of the service on its database. */
export function handlers({
  db,
  browseDb,
  notifications,
  config,
}: HandlersDeps): Handlers<typeof ProductServiceDefinition> {
  const find = findProducts(db);
  return {
    getProduct: getProduct({ find }),
    batchGetProducts: batchGetProducts({ find }),
    listProducts: listProducts({ read: readPage(browseDb) }),
    createProduct: createProduct({ create: creating.createProduct(db, { waitMs: config.IDEMPOTENCY_WAIT_MS }) }),
    importProducts: importProducts({ store: storeDrafts(db) }),
    watchStock: watchStock({
      readLevels: readStockLevels(browseDb),
      follow: () => notifications.subscribe(STOCK_CHANNEL),
      heartbeatMs: config.HEARTBEAT_MS,
      pollMs: config.WATCH_POLL_MS,
      now: Date.now,
    }),
    reserveStock: reserveStock({ reserve: reservations.reserveStock(db) }),
    commitStock: commitStock({ commit: reservations.commitStock(db) }),
    releaseStock: releaseStock({ release: reservations.releaseStock(db) }),
  };
}
