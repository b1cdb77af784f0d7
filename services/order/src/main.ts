import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { createLogger, drain, main, maskSecrets, runUntilSignal } from "@holdfast/process";
import { client, connect, openTelemetry, parseFaults, server as rpc, serve } from "@holdfast/rpc";
import { migrate } from "@holdfast/storage";
import { openStore } from "./adapters/open-store.ts";
import { readConfig } from "./config.ts";
import { orderHandlers } from "./order-handlers.ts";
import { eventToJson } from "./rpc/event-to-proto.ts";
import { startWorkers } from "./start-workers.ts";

await main(async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: "order", level: config.LOG_LEVEL });
  log.info({ config: maskSecrets(config) }, "configuration");
  const lifecycle = runUntilSignal({ log, drainMs: config.DRAIN_MS });

  await migrate(config.DATABASE_URL, new URL("./migrations/", import.meta.url), {
    onProgress: (text) => log.info(text),
  });
  const store = openStore({ config, eventToJson, log });
  lifecycle.onDrain("database", () => store[Symbol.asyncDispose]());

  // Outermost first: docs/interceptors.md says what each one does, and why in this order.
  const telemetry = openTelemetry(log);
  const outer = [client.context(), client.callTelemetry({ telemetry }), client.errors(), client.deadline()];
  const inner = [client.breaker(), client.concurrencyLimit({ limit: config.MAX_CALLS_OUT })];
  const wire = client.attemptTelemetry({ telemetry });
  // A customer waits for the price, so it is asked for again at once; the saga comes back from its table by itself.
  const again = [client.retry(), ...inner, client.attemptTimeout({ timeoutMs: config.PRICING_ATTEMPT_MS })];
  const catalogue = connect(ProductServiceDefinition, config.PRODUCT_TARGET, {
    methodTimeoutsMs: { batchGetProducts: config.PRICING_TIMEOUT_MS },
    chain: [...outer, ...again, wire],
  });
  const step = { timeoutMs: config.STEP_TIMEOUT_MS, chain: [...outer, ...inner, wire] };
  const products = connect(ProductServiceDefinition, config.PRODUCT_TARGET, step);
  const payments = connect(PaymentServiceDefinition, config.PAYMENT_TARGET, step);
  lifecycle.onDrain("connections", () => [catalogue, products, payments].forEach((it) => it[Symbol.dispose]()));
  const workers = startWorkers({ store, products, payments, config, log });

  // Nearest to the wire first.
  const load = rpc.loadShed({ minInFlight: config.MIN_IN_FLIGHT });
  const admission = [rpc.guard(), rpc.context(), rpc.telemetry(), rpc.drain(), rpc.deadline(), load];
  const keys = rpc.idempotency({ store: store.idempotentCalls });
  const request = [rpc.fault(parseFaults(config.FAULTS)), rpc.validation(), keys, rpc.errors()];
  const server = await serve(OrderServiceDefinition, orderHandlers({ store, products: catalogue, config }), {
    listen: config.LISTEN,
    log,
    chain: [...admission, ...request],
  });
  const drainTimes = { drainMs: config.DRAIN_MS, resolversMs: config.DRAIN_RESOLVERS_MS };
  lifecycle.onDrain("server and workers", () => drain({ server, workers: [workers], ...drainTimes }));
  server.health.set(true);
  lifecycle.ready({ port: server.port });
});
