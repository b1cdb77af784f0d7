import type { PaymentServiceDefinition, RefundRequest } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { type Handlers, RpcError, Status } from "@holdfast/rpc";
import type { GiveBack, RefundCommand, RefundOutcome } from "../domain/give-back.ts";
import { keyInUse, keyReused } from "./key-errors.ts";
import { requestHash } from "./request-hash.ts";
import { transactionNotFound } from "./transaction-not-found.ts";
import { transactionToProto } from "./transaction-to-proto.ts";

/** When to ask again for a refund whose outcome is unknown. The recovery worker looks at it about as soon. */
const RETRY_AFTER_MS = 500;

/** Refund: proto in, giveBack, proto out. OK means that the money is back. */
export function refund({ giveBack }: { giveBack: GiveBack }): Handlers<PaymentServiceDefinition>["refund"] {
  return async (request, { deadline, signal }) => {
    const command = toCommand(request);
    const outcome = await giveBack(command, { deadline, signal });
    if (outcome.kind !== "refunded") throw refusal(outcome, command);
    return { transaction: transactionToProto(outcome.transaction) };
  };
}

function toCommand({ transactionId, amount, idempotencyKey, reason }: RefundRequest): RefundCommand {
  return {
    transactionId,
    amount: amount && { currencyCode: amount.currencyCode, minorUnits: amount.minorUnits },
    reason,
    idempotencyKey,
    requestHash: requestHash([amount?.currencyCode, amount?.minorUnits, reason]),
  };
}

function refusal(outcome: Exclude<RefundOutcome, { kind: "refunded" }>, command: RefundCommand): RpcError {
  const { transactionId, idempotencyKey, amount } = command;
  switch (outcome.kind) {
    case "unknown":
      return outcomeUnknown(transactionId);
    case "key_reused":
      return keyReused(idempotencyKey);
    case "in_use":
      return keyInUse(idempotencyKey, outcome.retryAfterMs);
    case "transaction_not_found":
      return transactionNotFound({ transactionId });
    case "currency_mismatch":
      return currencyMismatch(transactionId, amount?.currencyCode ?? "");
    case "not_refundable":
      return notRefundable(transactionId, outcome.state);
    case "exceeds":
      return exceedsCharge(transactionId, outcome.refundable);
    default:
      return outcome satisfies never;
  }
}

function outcomeUnknown(transactionId: string): RpcError {
  const text = `Cannot tell yet whether transaction "${transactionId}" is refunded: the provider does not answer`;
  const metadata = { transaction_id: transactionId };
  return new RpcError(Status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", text, metadata, { retryAfterMs: RETRY_AFTER_MS });
}

function currencyMismatch(transactionId: string, currencyCode: string): RpcError {
  const text = `Cannot refund transaction "${transactionId}" in ${currencyCode}: it was charged in another currency`;
  const violations = [{ field: "amount.currency_code", description: "must be the currency of the charge" }];
  const metadata = { currency_code: currencyCode };
  return new RpcError(Status.INVALID_ARGUMENT, "CURRENCY_MISMATCH", text, metadata, { violations });
}

function notRefundable(transactionId: string, state: string): RpcError {
  const text = `Cannot refund transaction "${transactionId}": it is ${state}`;
  const precondition = { type: "TRANSACTION_NOT_REFUNDABLE", subject: transactionId };
  const metadata = { transaction_id: transactionId, state };
  return new RpcError(Status.FAILED_PRECONDITION, "TRANSACTION_NOT_REFUNDABLE", text, metadata, { precondition });
}

function exceedsCharge(transactionId: string, refundable: bigint): RpcError {
  const text = `Cannot refund transaction "${transactionId}": ${refundable} minor units are left`;
  const precondition = { type: "REFUND_EXCEEDS_CHARGE", subject: transactionId };
  const metadata = { transaction_id: transactionId, refundable_minor_units: String(refundable) };
  return new RpcError(Status.FAILED_PRECONDITION, "REFUND_EXCEEDS_CHARGE", text, metadata, { precondition });
}
