import type { Money } from "../domain/money.ts";
import type { Job } from "../domain/saga/job.ts";
import {
  type Answer,
  type ChargeAnswer,
  type CommitAnswer,
  type RefundAnswer,
  type ReleaseAnswer,
  type ReserveAnswer,
  SagaStep,
} from "../domain/saga/saga.ts";
import type { Scope } from "../domain/scope.ts";

/** The product service, as far as the saga needs it. Each call may be repeated. */
export interface Stock {
  reserve(
    orderId: string,
    items: readonly { readonly productId: string; readonly quantity: number }[],
    scope: Scope,
  ): Promise<ReserveAnswer>;
  commit(orderId: string, scope: Scope): Promise<CommitAnswer>;
  /** Also refuses a reservation of this order that comes later. */
  release(orderId: string, scope: Scope): Promise<ReleaseAnswer>;
}

/** The payment service, as far as the saga needs it. Each call may be repeated with its key. */
export interface Payments {
  charge(
    charge: { orderId: string; customerId: string; total: Money; paymentMethod: string; idempotencyKey: string },
    scope: Scope,
  ): Promise<ChargeAnswer>;
  /** What became of a charge. */
  ask(
    charge: { orderId: string; customerId: string; total: Money; idempotencyKey: string },
    scope: Scope,
  ): Promise<ChargeAnswer>;
  /** Gives all of a charge back. */
  refund(refund: { transactionId: string; idempotencyKey: string }, scope: Scope): Promise<RefundAnswer>;
}

/** Makes the call of a job. Never inside a transaction. */
export async function makeCall(
  { call, orderId, customerId, items, total, paymentMethod }: Job,
  { stock, payments }: { stock: Stock; payments: Payments },
  scope: Scope,
): Promise<Answer> {
  const { step } = call;
  switch (step) {
    case SagaStep.ReserveStock:
      return { step, answer: await stock.reserve(orderId, items, scope) };
    case SagaStep.CommitStock:
      return { step, answer: await stock.commit(orderId, scope) };
    case SagaStep.ReleaseStock:
      return { step, answer: await stock.release(orderId, scope) };
    case SagaStep.Charge: {
      const { idempotencyKey } = call;
      const charge = { orderId, customerId, total, paymentMethod, idempotencyKey };
      return { step, answer: await payments.charge(charge, scope) };
    }
    case SagaStep.AskCharge: {
      const { idempotencyKey } = call;
      return { step, answer: await payments.ask({ orderId, customerId, total, idempotencyKey }, scope) };
    }
    case SagaStep.Refund: {
      const { idempotencyKey, transactionId } = call;
      return { step, answer: await payments.refund({ transactionId, idempotencyKey }, scope) };
    }
    default:
      return step satisfies never;
  }
}
