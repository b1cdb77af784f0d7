import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ChargeRequest,
  PaymentServiceDefinition,
  type RefundRequest,
} from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { type Connected, connect } from "@holdfast/rpc";
import { openDatabase, type Scope } from "@holdfast/storage";
import type { PaymentSchema } from "../adapters/tables.ts";
import { type Child, startChild } from "./child.fixture.ts";

export type PaymentClient = Connected<PaymentServiceDefinition>;

export interface TestPayment extends AsyncDisposable {
  readonly child: Child;
  readonly client: PaymentClient;
}

/** Shorter than the defaults, in their proportions, and long enough for a busy machine. */
const QUICK = {
  PROVIDER_TIMEOUT_MS: "2000",
  PROVIDER_SETTLE_MS: "3000",
  LEASE_MS: "3000",
  RECOVERY_POLL_MS: "50",
} as const;
/** For tests that wait until a lease has ended. Its requests may time out without need. */
export const HASTY = { ...QUICK, PROVIDER_TIMEOUT_MS: "500", PROVIDER_SETTLE_MS: "1500", LEASE_MS: "1500" } as const;

/** The real payment service, as a process. */
export async function startPayment(env: {
  DATABASE_URL: string;
  PROVIDER_URL: string;
  [name: string]: string;
}): Promise<TestPayment> {
  const child = await startChild(new URL("../main.ts", import.meta.url), { LISTEN: "127.0.0.1:0", ...QUICK, ...env });
  const client = connect(PaymentServiceDefinition, `127.0.0.1:${child.port}`);
  return {
    child,
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await child[Symbol.asyncDispose]();
    },
  };
}

/** Opens the service's database from outside, to look at what it has written. */
export function openBooks(url: string) {
  return openDatabase<PaymentSchema>({ url });
}

/** Time for one transaction of a test. */
export function soon(): Scope {
  return { deadline: Date.now() + 5_000, signal: new AbortController().signal };
}

/** A charge of 12.50 GBP for an order of its own, under a key of its own. */
export function aCharge(part: Partial<ChargeRequest> = {}): ChargeRequest {
  const unique = randomBytes(8).toString("hex");
  return {
    customerId: "customer-1",
    amount: { currencyCode: "GBP", minorUnits: 1_250n },
    idempotencyKey: `ord_${unique}:capture:1`,
    orderId: `ord_${unique}`,
    paymentMethod: "pm_card_ok",
    ...part,
  };
}

/** A refund of all that is left. */
export function aRefund(transactionId: string, part: Partial<RefundRequest> = {}): RefundRequest {
  return { transactionId, amount: undefined, idempotencyKey: "refund:1", reason: "", ...part };
}

/** Asks again until the answer is one that `accept` takes. @throws {Error} After 30 s, with the last answer. */
export async function eventually<T>(ask: () => Promise<T>, accept: (answer: T) => boolean): Promise<T> {
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (accept(answer)) return answer;
    if (performance.now() > giveUpAt) throw new Error("Still not so after 30 s", { cause: answer });
    await sleep(20);
  }
}
