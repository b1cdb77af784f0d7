import { RpcError, Status } from "@holdfast/rpc";

/** The key came with another body before. */
export function keyReused(idempotencyKey: string): RpcError {
  const text = `Cannot use the idempotency key "${idempotencyKey}": it was used with another request`;
  return new RpcError(Status.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED", text, { idempotency_key: idempotencyKey });
}

/** The first call with the key is still under way. */
export function keyInUse(idempotencyKey: string, retryAfterMs: number): RpcError {
  const text = `Cannot answer for the idempotency key "${idempotencyKey}": its first call is still being worked on`;
  const metadata = { idempotency_key: idempotencyKey };
  return new RpcError(Status.ABORTED, "IDEMPOTENCY_KEY_IN_USE", text, metadata, { retryAfterMs });
}
