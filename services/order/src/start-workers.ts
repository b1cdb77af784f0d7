import type { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Logger } from "@holdfast/process";
import type { Connected } from "@holdfast/rpc";
import type { Store } from "./adapters/open-store.ts";
import { paymentsOverGrpc } from "./adapters/payments-over-grpc.ts";
import { stockOverGrpc } from "./adapters/stock-over-grpc.ts";
import type { Config } from "./config.ts";
import type { Scope } from "./domain/scope.ts";
import { startPruningKeys } from "./worker/prune-keys.ts";
import { startSagaWorker } from "./worker/saga-worker.ts";

interface Dependencies {
  store: Store;
  products: Connected<ProductServiceDefinition>;
  payments: Connected<PaymentServiceDefinition>;
  config: Pick<Config, "SAGA_CONCURRENCY" | "STEP_TIMEOUT_MS" | "PRUNE_INTERVAL_MS">;
  log: Logger;
}

/** Moves orders on, and forgets old idempotency keys, until it is stopped. */
export function startWorkers({ store, products, payments, config, log }: Dependencies): {
  stop(options: { graceMs: number }): Promise<void>;
} {
  const prune = async (limit: number, scope: Scope) =>
    Math.max(await store.pruneReplies(limit, scope), await store.idempotentCalls.prune(scope, limit));
  const pruning = startPruningKeys({ prune, log, intervalMs: config.PRUNE_INTERVAL_MS });
  const saga = startSagaWorker({
    orders: store.sagaOrders,
    stock: stockOverGrpc(products),
    payments: paymentsOverGrpc(payments),
    news: store.subscribeToWork(),
    concurrency: config.SAGA_CONCURRENCY,
    stepTimeoutMs: config.STEP_TIMEOUT_MS,
    log,
    now: Date.now,
    random: Math.random,
  });
  return {
    stop: async ({ graceMs }) => {
      await Promise.all([saga.stop({ graceMs }), pruning[Symbol.asyncDispose]()]);
    },
  };
}
