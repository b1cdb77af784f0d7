import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { createLogger, main, maskSecrets, runUntilSignal } from "@holdfast/process";
import { connect, serve } from "@holdfast/rpc";
import { migrate } from "@holdfast/storage";
import { openStore } from "./adapters/open-store.ts";
import { paymentsOverGrpc } from "./adapters/payments-over-grpc.ts";
import { stockOverGrpc } from "./adapters/stock-over-grpc.ts";
import { readConfig } from "./config.ts";
import { orderHandlers } from "./order-handlers.ts";
import { eventToJson } from "./rpc/event-to-proto.ts";
import { startPruningKeys } from "./worker/prune-keys.ts";
import { startSagaWorker } from "./worker/saga-worker.ts";

await main(async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: "order", level: config.LOG_LEVEL });
  log.info({ config: maskSecrets(config) }, "configuration");
  const lifecycle = runUntilSignal({ log, drainMs: config.DRAIN_MS });

  const onProgress = (text: string) => log.info(text);
  await migrate(config.DATABASE_URL, new URL("./migrations/", import.meta.url), { onProgress });
  const store = openStore({ config, eventToJson, log });
  lifecycle.onDrain("database", () => store[Symbol.asyncDispose]());

  const stepTimeoutMs = config.STEP_TIMEOUT_MS;
  const products = connect(ProductServiceDefinition, config.PRODUCT_TARGET, {
    timeoutMs: stepTimeoutMs,
    methodTimeoutsMs: { batchGetProducts: config.PRICING_TIMEOUT_MS },
  });
  const payments = connect(PaymentServiceDefinition, config.PAYMENT_TARGET, { timeoutMs: stepTimeoutMs });
  lifecycle.onDrain("connections", () => [products, payments].forEach((it) => it[Symbol.dispose]()));

  const pruning = startPruningKeys({ prune: store.pruneReplies, log, intervalMs: config.PRUNE_INTERVAL_MS });
  lifecycle.onDrain("pruning", () => pruning[Symbol.asyncDispose]());
  const worker = startSagaWorker({
    orders: store.sagaOrders,
    stock: stockOverGrpc(products),
    payments: paymentsOverGrpc(payments),
    news: store.subscribeToWork(),
    concurrency: config.SAGA_CONCURRENCY,
    stepTimeoutMs,
    log,
    now: Date.now,
    random: Math.random,
  });

  const server = await serve(OrderServiceDefinition, orderHandlers({ store, products, config }), {
    listen: config.LISTEN,
    log,
  });
  lifecycle.onDrain("server and saga worker", async () => {
    const graceMs = config.DRAIN_MS / 2;
    await Promise.all([server.drain({ graceMs }), worker.stop({ graceMs })]);
  });
  server.health.set(true);
  lifecycle.ready({ port: server.port });
});
