/** A capture as the provider writes it down. Unit of the amount: pence. */
export const captureOf = (orderId: string, id: string, amount: string) => ({
  type: "capture" as const,
  id,
  order_id: orderId,
  customer_id: `cus_${orderId}`,
  idempotency_key: `key-of-${id}`,
  amount_minor: amount,
  currency_code: "GBP",
  payment_method: "pm_card_ok",
});
