import { RpcError, Status } from "@holdfast/rpc";
import { LARGEST_TOTAL, type PlaceOutcome } from "../domain/place-order.ts";

/** When a call whose key is in use may come again. Unit: milliseconds. */
const KEY_RETRY_AFTER_MS = 500;

/** Why an order cannot be placed. */
export function orderRefused(outcome: Exclude<PlaceOutcome, { kind: "placed" }>): RpcError {
  switch (outcome.kind) {
    case "product_not_found": {
      const { productId } = outcome;
      const resource = { type: "ecommerce.product.v1.Product", name: productId };
      const text = `Cannot order product "${productId}": there is none`;
      return new RpcError(Status.NOT_FOUND, "PRODUCT_NOT_FOUND", text, { product_id: productId }, { resource });
    }
    case "currency_mismatch": {
      const { productId, currencyCode } = outcome;
      const text = `Cannot order product "${productId}": its price is in ${currencyCode}, that of others is not`;
      const metadata = { product_id: productId, currency_code: currencyCode };
      const precondition = { type: "CURRENCY_MISMATCH", subject: productId };
      return new RpcError(Status.FAILED_PRECONDITION, "CURRENCY_MISMATCH", text, metadata, { precondition });
    }
    case "total_too_large": {
      const { minorUnits } = outcome.total;
      const text = `Cannot take the order: its total is ${minorUnits} minor units`;
      const violations = [{ field: "items", description: `must cost ${LARGEST_TOTAL} minor units at most` }];
      const metadata = { total_minor_units: String(minorUnits) };
      return new RpcError(Status.INVALID_ARGUMENT, "TOTAL_TOO_LARGE", text, metadata, { violations });
    }
    case "price_changed": {
      const { currencyCode, minorUnits } = outcome.total;
      const text = `Cannot take the order at the expected total: it is ${minorUnits} minor units of ${currencyCode}`;
      const metadata = { currency_code: currencyCode, total_minor_units: String(minorUnits) };
      const precondition = { type: "PRICE_CHANGED", subject: "expected_total" };
      return new RpcError(Status.FAILED_PRECONDITION, "PRICE_CHANGED", text, metadata, { precondition });
    }
    default:
      return outcome satisfies never;
  }
}

/** The catalogue has given no prices; nothing was written. */
export function catalogueSilent(kind: "unavailable" | "deadline"): RpcError {
  if (kind === "deadline") {
    return new RpcError(Status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "Cannot price the order: the time is over");
  }
  const text = "Cannot price the order: the catalogue does not answer";
  return new RpcError(Status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", text, {}, { retryAfterMs: 500 });
}

/** The key came with another request before. */
export function keyReused(idempotencyKey: string): RpcError {
  const text = `Cannot use the idempotency key "${idempotencyKey}": it was used with another request`;
  return new RpcError(Status.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED", text, { idempotency_key: idempotencyKey });
}

/** The first call with the key is still under way. */
export function keyInUse(idempotencyKey: string): RpcError {
  const text = `Cannot answer for the idempotency key "${idempotencyKey}": its first call is still being worked on`;
  const metadata = { idempotency_key: idempotencyKey };
  const options = { retryAfterMs: KEY_RETRY_AFTER_MS };
  return new RpcError(Status.ABORTED, "IDEMPOTENCY_KEY_IN_USE", text, metadata, options);
}
