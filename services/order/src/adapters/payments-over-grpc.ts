import type { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { type Transaction, Transaction_State } from "@holdfast/contracts/ecommerce/payment/v1/transaction";
import { type Connected, Status } from "@holdfast/rpc";
import { type Money, sameMoney } from "../domain/money.ts";
import type { ChargeAnswer, RefundAnswer } from "../domain/saga/saga.ts";
import type { Scope } from "../domain/scope.ts";
import { answered } from "./answered.ts";

type PaymentClient = Pick<Connected<PaymentServiceDefinition>, "charge" | "refund" | "getTransactionStatus">;

/** Reasons that settle a charge: nothing was captured, nor will be under this key. */
const DECLINED: ReadonlySet<string> = new Set(["CARD_DECLINED", "UNKNOWN_PAYMENT_METHOD"]);
/** States that another charge of the order never leaves for FAILED: it stands in the way of ours for good. */
const FOR_GOOD: ReadonlySet<string | undefined> = new Set(["COMPLETED", "REFUNDED"]);

/** What is to be paid, by whom, and under which key. */
export interface ChargeOrder {
  readonly orderId: string;
  readonly customerId: string;
  readonly total: Money;
  readonly paymentMethod: string;
  readonly idempotencyKey: string;
}

/** What tells an order's charge from any other; keys are free text, and others may use ours. */
type Own = Pick<ChargeOrder, "orderId" | "customerId" | "total">;

/** The payment service. Only what it says about a transaction is an outcome; everything else is unknown. */
export function paymentsOverGrpc(client: PaymentClient) {
  return {
    charge: ({ total, ...order }: ChargeOrder, { deadline, signal }: Scope): Promise<ChargeAnswer> =>
      answered<ChargeAnswer>(
        async () => {
          const amount = { currencyCode: total.currencyCode, minorUnits: total.minorUnits };
          const { transaction } = await client.charge({ ...order, amount }, { deadline, signal });
          return toAnswer(transaction, { ...order, total });
        },
        ({ reason, metadata }) => {
          if (DECLINED.has(reason)) return { kind: "declined" };
          const blocked = reason === "ORDER_ALREADY_CHARGED" && FOR_GOOD.has(metadata["state"]);
          return blocked ? { kind: "blocked", why: reason } : undefined;
        },
      ),

    ask: (
      { idempotencyKey, ...own }: Own & { idempotencyKey: string },
      { deadline, signal }: Scope,
    ): Promise<ChargeAnswer> =>
      answered(
        async () => {
          const request = { customerId: own.customerId, idempotencyKey };
          const { transaction } = await client.getTransactionStatus(request, { deadline, signal });
          return toAnswer(transaction, own);
        },
        ({ reason }) => (reason === "TRANSACTION_NOT_FOUND" ? { kind: "not_found" } : undefined),
      ),

    refund: (
      { transactionId, idempotencyKey }: { transactionId: string; idempotencyKey: string },
      { deadline, signal }: Scope,
    ): Promise<RefundAnswer> =>
      answered<RefundAnswer>(
        async () => {
          const request = { transactionId, idempotencyKey, reason: "order cancelled" };
          const { transaction } = await client.refund(request, { deadline, signal });
          // COMPLETED still: the provider has not confirmed it.
          return transaction?.state === Transaction_State.STATE_REFUNDED ? { kind: "refunded" } : NOT_YET;
        },
        // Somebody else has given all of it back before us.
        ({ code, reason, metadata }) =>
          code === Status.FAILED_PRECONDITION &&
          reason === "TRANSACTION_NOT_REFUNDABLE" &&
          metadata["state"] === "REFUNDED"
            ? { kind: "refunded" }
            : undefined,
      ),
  };
}

const NOT_YET = { kind: "unknown", why: "REFUND_PENDING" } as const;

function toAnswer(transaction: Transaction | undefined, own: Own): ChargeAnswer {
  // A key counts per customer and is never given up: whatever this customer has under it keeps ours out, an open or a
  // failed charge as well. About a charge of somebody else, or of nobody knows what, this says nothing.
  if (!transaction?.amount || transaction.orderId === "" || transaction.customerId !== own.customerId) {
    return { kind: "unknown", why: "NOT_THE_CHARGE_ASKED_FOR" };
  }
  if (transaction.orderId !== own.orderId || !sameMoney(transaction.amount, own.total)) {
    const { id, orderId } = transaction;
    return { kind: "blocked", why: "KEY_TAKEN", transactionId: id, otherOrderId: orderId };
  }
  switch (transaction.state) {
    case Transaction_State.STATE_COMPLETED:
      return { kind: "completed", transactionId: transaction.id };
    case Transaction_State.STATE_REFUNDED:
      return { kind: "refunded", transactionId: transaction.id };
    case Transaction_State.STATE_FAILED:
      return { kind: "declined" };
    case Transaction_State.STATE_PENDING:
      return { kind: "pending" };
    default:
      return { kind: "unknown", why: "UNKNOWN_TRANSACTION_STATE" };
  }
}
