import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { createLogger, drain, main, runUntilSignal } from "@holdfast/process";
import { client, openTelemetry, parseFaults, server as rpc, serve } from "@holdfast/rpc";
import { migrate } from "@holdfast/storage";
import { openStore } from "./adapters/open-store.ts";
import { readConfig } from "./config.ts";
import { connectServices } from "./connect-services.ts";
import { orderHandlers } from "./order-handlers.ts";
import { eventToJson } from "./rpc/event-to-proto.ts";
import { startWorkers } from "./start-workers.ts";

await main("order", async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: "order", level: config.LOG_LEVEL });
  log.info({ config }, "configuration");
  const lifecycle = runUntilSignal({ log, drainMs: config.DRAIN_MS });

  await migrate(config.DATABASE_URL, new URL("./migrations/", import.meta.url), {
    onProgress: (text) => log.info(text),
  });
  const store = openStore({ config, eventToJson, log });
  lifecycle.onDrain("database", () => store[Symbol.asyncDispose]());

  // Outermost first: docs/interceptors.md says what each one does, and why in this order.
  const telemetry = openTelemetry(log);
  const outer = [client.context(), client.callTelemetry({ telemetry }), client.errors(), client.deadline()];
  // Calls of an instance that fails are made again elsewhere, all at once: there is room for them in a moment.
  const limit = { limit: config.MAX_CALLS_OUT, queue: { size: config.MAX_CALLS_OUT, maxWaitMs: 250 } };
  const inner = [client.breaker(), client.concurrencyLimit(limit)];
  const wire = client.attemptTelemetry({ telemetry });
  // A customer waits for the price, so it is asked for again at once; the saga comes back from its table by itself.
  const again = [
    client.retry({ commitOn: "message" }),
    ...inner,
    client.attemptTimeout({ timeoutMs: config.PRICING_ATTEMPT_MS }),
  ];
  const others = connectServices(config, { pricing: [...outer, ...again, wire], step: [...outer, ...inner, wire] });
  lifecycle.onDrain("connections", () => others[Symbol.dispose]());

  // Nearest to the wire first.
  const load = rpc.loadShed({ minInFlight: config.MIN_IN_FLIGHT });
  const admission = [rpc.guard(), rpc.context(), rpc.telemetry(), rpc.drain(), rpc.deadline(), load];
  const keys = rpc.idempotency({ store: store.idempotentCalls, ttlMs: config.IDEMPOTENCY_KEEP_HOURS * 3_600_000 });
  const request = [rpc.fault(parseFaults(config.FAULTS)), rpc.validation(), keys, rpc.errors()];
  const server = await serve(OrderServiceDefinition, orderHandlers({ store, products: others.catalogue, config }), {
    listen: config.LISTEN,
    log,
    targets: others.targets,
    chain: [...admission, ...request],
  });
  // Last: a start that fails, or is told to stop, would leave orders leased to workers that nobody stops.
  const workers = lifecycle.signal.aborted ? [] : [startWorkers({ ...others, store, config, log })];
  lifecycle.onDrain("server and workers", () => drain({ server, workers, times: config }));
  server.health.set(true);
  lifecycle.ready({ port: server.port });
});
