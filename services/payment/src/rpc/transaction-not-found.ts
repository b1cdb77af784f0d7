import { RpcError, Status } from "@holdfast/rpc";

/** NOT_FOUND, by whichever of the two it was looked for. */
export function transactionNotFound(by: { transactionId: string } | { idempotencyKey: string }): RpcError {
  const [what, name, metadata] =
    "transactionId" in by
      ? ["transaction", by.transactionId, { transaction_id: by.transactionId }]
      : ["transaction of idempotency key", by.idempotencyKey, { idempotency_key: by.idempotencyKey }];
  const text = `Cannot find ${what} "${name}": there is none`;
  const resource = { type: "ecommerce.payment.v1.Transaction", name };
  return new RpcError(Status.NOT_FOUND, "TRANSACTION_NOT_FOUND", text, metadata, { resource });
}
