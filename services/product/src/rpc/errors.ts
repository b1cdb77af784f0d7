import { RpcError, Status } from "@holdfast/rpc";

const PRODUCT_TYPE = "ecommerce.product.v1.Product";
const RESERVATION_TYPE = "ecommerce.product.v1.Reservation";

export function productNotFound(productId: string): RpcError {
  return new RpcError(
    Status.NOT_FOUND,
    "PRODUCT_NOT_FOUND",
    `Cannot find product "${productId}": there is none`,
    { product_id: productId },
    { resource: { type: PRODUCT_TYPE, name: productId } },
  );
}

export function outOfStock(productId: string, available: number, requested: number): RpcError {
  return new RpcError(
    Status.FAILED_PRECONDITION,
    "OUT_OF_STOCK",
    `Cannot reserve ${requested} of product "${productId}": ${available} available`,
    { product_id: productId, available: String(available), requested: String(requested) },
    { precondition: { type: "OUT_OF_STOCK", subject: productId } },
  );
}

export function skuTaken(sku: string): RpcError {
  return new RpcError(
    Status.ALREADY_EXISTS,
    "SKU_TAKEN",
    `Cannot create product "${sku}": another product has this sku`,
    { sku },
    { resource: { type: PRODUCT_TYPE, name: sku } },
  );
}

export function idempotencyKeyReused(key: string): RpcError {
  return new RpcError(
    Status.INVALID_ARGUMENT,
    "IDEMPOTENCY_KEY_REUSED",
    `Cannot use idempotency key "${key}": it was used with another body`,
    { idempotency_key: key },
    { violations: [{ field: "idempotency_key", description: "must be a new one for another request" }] },
  );
}

export function idempotencyKeyInUse(key: string): RpcError {
  return new RpcError(
    Status.ABORTED,
    "IDEMPOTENCY_KEY_IN_USE",
    `Cannot answer for idempotency key "${key}": the first call is still being worked on`,
    { idempotency_key: key },
    { retryAfterMs: 1_000 },
  );
}

export function reservationNotFound(orderId: string): RpcError {
  return new RpcError(
    Status.NOT_FOUND,
    "RESERVATION_NOT_FOUND",
    `Cannot commit the stock of order "${orderId}": nothing was reserved`,
    { order_id: orderId },
    { resource: { type: RESERVATION_TYPE, name: orderId } },
  );
}

export function reservationReleased(orderId: string): RpcError {
  return new RpcError(
    Status.FAILED_PRECONDITION,
    "RESERVATION_RELEASED",
    `Cannot keep stock for order "${orderId}": its reservation has been released`,
    { order_id: orderId },
    { precondition: { type: "RESERVATION_RELEASED", subject: orderId } },
  );
}

export function reservationCommitted(orderId: string): RpcError {
  return new RpcError(
    Status.FAILED_PRECONDITION,
    "RESERVATION_COMMITTED",
    `Cannot release the stock of order "${orderId}": it has been committed`,
    { order_id: orderId },
    { precondition: { type: "RESERVATION_COMMITTED", subject: orderId } },
  );
}

export function reservationMismatch(orderId: string): RpcError {
  return new RpcError(
    Status.INVALID_ARGUMENT,
    "RESERVATION_MISMATCH",
    `Cannot reserve stock for order "${orderId}": it has reserved other items before`,
    { order_id: orderId },
    { violations: [{ field: "items", description: "must be those of the first call for this order" }] },
  );
}

export function invalidPageToken(): RpcError {
  return new RpcError(
    Status.INVALID_ARGUMENT,
    "INVALID_PAGE_TOKEN",
    "Cannot go on from the page token: it is none of this method and filter",
    {},
    { violations: [{ field: "page_token", description: "must be a next_page_token of the same filter" }] },
  );
}

export function tooManySubscriptions(limit: number): RpcError {
  return new RpcError(
    Status.RESOURCE_EXHAUSTED,
    "TOO_MANY_SUBSCRIPTIONS",
    `Cannot watch more than ${limit} products in one stream: unsubscribe some`,
    { limit: String(limit) },
  );
}
