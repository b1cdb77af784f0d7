import { type Transaction, Transaction_State } from "@holdfast/contracts/ecommerce/payment/v1/transaction";
import type { Transaction as DomainTransaction, TransactionState } from "../domain/transaction.ts";

const STATES: Record<TransactionState, Transaction_State> = {
  PENDING: Transaction_State.STATE_PENDING,
  COMPLETED: Transaction_State.STATE_COMPLETED,
  FAILED: Transaction_State.STATE_FAILED,
  REFUNDED: Transaction_State.STATE_REFUNDED,
};

/** A transaction as callers see it. */
export function transactionToProto(transaction: DomainTransaction): Transaction {
  const { id, customerId, orderId, amount, state, createTime, refunded, declineCode } = transaction;
  return {
    id,
    state: STATES[state],
    amount,
    createTime,
    customerId,
    orderId,
    refunded: { currencyCode: amount.currencyCode, minorUnits: refunded },
    declineCode: declineCode ?? "",
  };
}
