import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { createLogger, main, maskSecrets, runUntilSignal } from "@holdfast/process";
import { serve } from "@holdfast/rpc";
import { migrate, openDatabase } from "@holdfast/storage";
import { v7 as uuidv7 } from "uuid";
import { chargesInPostgres } from "./adapters/charges-in-postgres.ts";
import { capturesOverHttp, refundsOverHttp } from "./adapters/provider-over-http.ts";
import { recoverySource, startRecovery } from "./adapters/recovery-worker.ts";
import { refundsInPostgres } from "./adapters/refunds-in-postgres.ts";
import type { PaymentSchema } from "./adapters/tables.ts";
import { transactionsInPostgres } from "./adapters/transactions-in-postgres.ts";
import { readConfig } from "./config.ts";
import { giveBack } from "./domain/give-back.ts";
import { settle } from "./domain/settle.ts";
import { takePayment } from "./domain/take-payment.ts";
import { inFlight } from "./in-flight.ts";
import { charge } from "./rpc/charge.ts";
import { getTransactionStatus } from "./rpc/get-transaction-status.ts";
import { refund } from "./rpc/refund.ts";

await main(async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: "payment", level: config.LOG_LEVEL });
  log.info({ config: maskSecrets(config) }, "configuration");
  const lifecycle = runUntilSignal({ log, drainMs: config.DRAIN_MS });

  await migrate(config.DATABASE_URL, new URL("./migrations/", import.meta.url), {
    onProgress: (text) => log.info(text),
  });
  const db = openDatabase<PaymentSchema>({ url: config.DATABASE_URL, applicationName: "payment" });
  lifecycle.onDrain("database", () => db[Symbol.asyncDispose]());

  const lease = { leaseMs: config.LEASE_MS, settleMs: config.PROVIDER_SETTLE_MS };
  const store = { db, log, newId: () => uuidv7().replaceAll("-", ""), ...lease };
  const charges = chargesInPostgres(store);
  const refunds = refundsInPostgres(store);
  const provider = { url: config.PROVIDER_URL, log };
  const asking = { providerTimeoutMs: config.PROVIDER_TIMEOUT_MS, now: Date.now, random: Math.random };
  const settleCharge = settle({ provider: capturesOverHttp(provider), book: charges, ...asking });
  const settleRefund = settle({ provider: refundsOverHttp(provider), book: refunds, ...asking });

  const sources = [recoverySource(charges, settleCharge), recoverySource(refunds, settleRefund)];
  const recovery = startRecovery({ sources, log, pollMs: config.RECOVERY_POLL_MS, signal: lifecycle.signal });
  lifecycle.onDrain("recovery", () => recovery[Symbol.asyncDispose]());

  const calls = inFlight();
  lifecycle.onDrain("calls whose caller has gone away", () => calls.settled());
  const handlers = {
    charge: charge({ takePayment: calls.wrap(takePayment({ charges, settle: settleCharge, now: Date.now })) }),
    refund: refund({ giveBack: calls.wrap(giveBack({ refunds, settle: settleRefund, now: Date.now })) }),
    getTransactionStatus: getTransactionStatus({ findTransactions: transactionsInPostgres(db) }),
  };
  const server = await serve(PaymentServiceDefinition, handlers, { listen: config.LISTEN, log });
  lifecycle.onDrain("server", () => server.drain({ graceMs: Math.max(0, config.DRAIN_MS - 500) }));
  server.health.set(true);
  lifecycle.ready({ port: server.port });
});
