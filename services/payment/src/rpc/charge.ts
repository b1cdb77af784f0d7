import type { ChargeRequest, PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { type Handlers, RpcError, Status } from "@holdfast/rpc";
import type { ChargeCommand, ChargeOutcome, TakePayment } from "../domain/take-payment.ts";
import { keyInUse, keyReused } from "./key-errors.ts";
import { requestHash } from "./request-hash.ts";
import { transactionToProto } from "./transaction-to-proto.ts";

/** Charge: proto in, takePayment, proto out. */
export function charge({ takePayment }: { takePayment: TakePayment }): Handlers<PaymentServiceDefinition>["charge"] {
  return async (request, { deadline, signal }) => {
    const command = toCommand(request);
    const outcome = await takePayment(command, { deadline, signal });
    if (outcome.kind !== "transaction") throw refusal(outcome, command);
    return { transaction: transactionToProto(outcome.transaction) };
  };
}

function toCommand({ customerId, amount, idempotencyKey, orderId, paymentMethod }: ChargeRequest): ChargeCommand {
  if (amount === undefined) throw new Error("The contract requires an amount");
  const { currencyCode, minorUnits } = amount;
  return {
    customerId,
    orderId,
    amount: { currencyCode, minorUnits },
    paymentMethod,
    idempotencyKey,
    requestHash: requestHash([orderId, currencyCode, minorUnits, paymentMethod]),
  };
}

function refusal(outcome: Exclude<ChargeOutcome, { kind: "transaction" }>, command: ChargeCommand): RpcError {
  switch (outcome.kind) {
    case "declined":
      return cardDeclined(outcome);
    case "unknown_payment_method":
      return unknownPaymentMethod();
    case "key_reused":
      return keyReused(command.idempotencyKey);
    case "in_use":
      return keyInUse(command.idempotencyKey, outcome.retryAfterMs);
    case "order_already_charged":
      return orderAlreadyCharged(command.orderId, outcome.state);
    default:
      return outcome satisfies never;
  }
}

function cardDeclined({ transactionId, declineCode }: { transactionId: string; declineCode: string }): RpcError {
  const text = `Cannot charge transaction "${transactionId}": the provider declined with "${declineCode}"`;
  const metadata = { transaction_id: transactionId, decline_code: declineCode };
  const precondition = { type: "CARD_DECLINED", subject: transactionId };
  return new RpcError(Status.FAILED_PRECONDITION, "CARD_DECLINED", text, metadata, { precondition });
}

/** Does not repeat the token: it may be sensitive. */
function unknownPaymentMethod(): RpcError {
  const text = "Cannot charge the payment method: the provider does not know it";
  const violations = [{ field: "payment_method", description: "must be a payment method that the provider knows" }];
  return new RpcError(Status.INVALID_ARGUMENT, "UNKNOWN_PAYMENT_METHOD", text, {}, { violations });
}

function orderAlreadyCharged(orderId: string, state: string): RpcError {
  const text = `Cannot charge for order "${orderId}": it has a charge under another idempotency key, which is ${state}`;
  const precondition = { type: "ORDER_ALREADY_CHARGED", subject: orderId };
  return new RpcError(
    Status.FAILED_PRECONDITION,
    "ORDER_ALREADY_CHARGED",
    text,
    { order_id: orderId, state },
    { precondition },
  );
}
