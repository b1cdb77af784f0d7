/** The key under which an order is charged, always the same one: never a new key for a new try. */
export function captureKey(orderId: string): string {
  return `${orderId}:capture:1`;
}

/** The key under which an order's charge is refunded. */
export function refundKey(orderId: string): string {
  return `${orderId}:refund:1`;
}
