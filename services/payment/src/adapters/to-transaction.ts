import type { Transaction } from "../domain/transaction.ts";
import type { TransactionRow } from "./tables.ts";

/** A row in the domain's terms. */
export function toTransaction(row: TransactionRow): Transaction {
  return {
    id: row.id,
    customerId: row.customer_id,
    orderId: row.order_id,
    amount: { currencyCode: row.currency_code, minorUnits: row.amount },
    state: row.state,
    declineCode: row.decline_code ?? undefined,
    captureId: row.provider_capture_id ?? undefined,
    refunded: row.refunded,
    reserved: row.reserved,
    createTime: row.create_time,
  };
}
