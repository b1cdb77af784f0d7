import type {
  GetTransactionStatusRequest,
  PaymentServiceDefinition,
} from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { type Handlers, validationFailed } from "@holdfast/rpc";
import type { FindTransactions } from "../domain/find-transactions.ts";
import { transactionNotFound } from "./transaction-not-found.ts";
import { transactionToProto } from "./transaction-to-proto.ts";

/** GetTransactionStatus: the transaction as it is in the books. Never asks the provider: the recovery worker does. */
export function getTransactionStatus({
  findTransactions,
}: {
  findTransactions: FindTransactions;
}): Handlers<PaymentServiceDefinition>["getTransactionStatus"] {
  return async (request, { deadline, signal }) => {
    const { transactionId, idempotencyKey } = request;
    const customerId = request.customerId === "" ? undefined : request.customerId;
    const [found, other] = await findTransactions({ transactionId, idempotencyKey, customerId }, { deadline, signal });
    if (found === undefined) throw notFound(request);
    if (other !== undefined) {
      const description = "is required, because several customers have used this idempotency key";
      throw validationFailed([{ field: "customer_id", description }]);
    }
    return { transaction: transactionToProto(found) };
  };
}

function notFound({ transactionId, idempotencyKey = "" }: GetTransactionStatusRequest) {
  return transactionNotFound(transactionId === undefined ? { idempotencyKey } : { transactionId });
}
