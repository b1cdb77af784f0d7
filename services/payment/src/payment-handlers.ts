import type { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import type { Logger } from "@holdfast/process";
import type { Handlers } from "@holdfast/rpc";
import type { Database } from "@holdfast/storage";
import { v7 as uuidv7 } from "uuid";
import { chargesInPostgres } from "./adapters/charges-in-postgres.ts";
import { capturesOverHttp, refundsOverHttp } from "./adapters/provider-over-http.ts";
import { type RecoverySource, recoverySource } from "./adapters/recovery-worker.ts";
import { refundsInPostgres } from "./adapters/refunds-in-postgres.ts";
import type { PaymentSchema } from "./adapters/tables.ts";
import { transactionsInPostgres } from "./adapters/transactions-in-postgres.ts";
import type { Config } from "./config.ts";
import { giveBack } from "./domain/give-back.ts";
import { settle } from "./domain/settle.ts";
import { takePayment } from "./domain/take-payment.ts";
import { type InFlight, inFlight } from "./in-flight.ts";
import { charge } from "./rpc/charge.ts";
import { getTransactionStatus } from "./rpc/get-transaction-status.ts";
import { refund } from "./rpc/refund.ts";

interface Dependencies {
  db: Database<PaymentSchema>;
  config: Pick<Config, "LEASE_MS" | "PROVIDER_SETTLE_MS" | "PROVIDER_TIMEOUT_MS" | "PROVIDER_URL">;
  log: Logger;
}

/** The three RPCs with what each needs, what the recovery worker looks after, and the calls whose caller may be gone. */
export function paymentHandlers({ db, config, log }: Dependencies): {
  handlers: Handlers<PaymentServiceDefinition>;
  sources: RecoverySource[];
  calls: InFlight;
} {
  const lease = { leaseMs: config.LEASE_MS, settleMs: config.PROVIDER_SETTLE_MS };
  const store = { db, log, newId: () => uuidv7().replaceAll("-", ""), ...lease };
  const charges = chargesInPostgres(store);
  const refunds = refundsInPostgres(store);
  const provider = { url: config.PROVIDER_URL, log };
  const asking = { providerTimeoutMs: config.PROVIDER_TIMEOUT_MS, now: Date.now, random: Math.random };
  const settleCharge = settle({ provider: capturesOverHttp(provider), book: charges, ...asking });
  const settleRefund = settle({ provider: refundsOverHttp(provider), book: refunds, ...asking });
  const calls = inFlight();
  return {
    handlers: {
      charge: charge({ takePayment: calls.wrap(takePayment({ charges, settle: settleCharge, now: Date.now })) }),
      refund: refund({ giveBack: calls.wrap(giveBack({ refunds, settle: settleRefund, now: Date.now })) }),
      getTransactionStatus: getTransactionStatus({ findTransactions: transactionsInPostgres(db) }),
    },
    sources: [recoverySource(charges, settleCharge), recoverySource(refunds, settleRefund)],
    calls,
  };
}
