import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { createLogger, drain, main, runUntilSignal } from "@holdfast/process";
import { parseFaults, serve, server as rpc } from "@holdfast/rpc";
import { migrate, openDatabase } from "@holdfast/storage";
import { startRecovery } from "./adapters/recovery-worker.ts";
import type { PaymentSchema } from "./adapters/tables.ts";
import { readConfig } from "./config.ts";
import { paymentHandlers } from "./payment-handlers.ts";

await main("payment", async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: "payment", level: config.LOG_LEVEL });
  log.info({ config }, "configuration");
  const lifecycle = runUntilSignal({ log, drainMs: config.DRAIN_MS });

  await migrate(config.DATABASE_URL, new URL("./migrations/", import.meta.url), {
    onProgress: (text) => log.info(text),
  });
  const db = openDatabase<PaymentSchema>({ url: config.DATABASE_URL, applicationName: "payment" });
  lifecycle.onDrain("database", () => db[Symbol.asyncDispose]());

  const { handlers, sources, calls } = paymentHandlers({ db, config, log });
  const recovery = startRecovery({ sources, log, pollMs: config.RECOVERY_POLL_MS, signal: lifecycle.signal });
  lifecycle.onDrain("recovery", () => recovery[Symbol.asyncDispose]());
  lifecycle.onDrain("calls whose caller has gone away", () => calls.settled());

  // Nearest to the wire first: docs/interceptors.md says what each one does, and why in this order.
  const load = rpc.loadShed({ minInFlight: config.MIN_IN_FLIGHT });
  const admission = [rpc.guard(), rpc.context(), rpc.telemetry(), rpc.drain(), rpc.deadline(), load];
  const request = [rpc.fault(parseFaults(config.FAULTS)), rpc.validation(), rpc.errors()];
  const server = await serve(PaymentServiceDefinition, handlers, {
    listen: config.LISTEN,
    log,
    chain: [...admission, ...request],
  });
  lifecycle.onDrain("server", () => drain({ server, times: config }));
  server.health.set(true);
  lifecycle.ready({ port: server.port });
});
