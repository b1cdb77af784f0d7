import type { Generated, Selectable, Transaction as SqlTransaction } from "@holdfast/storage";
import type { RefundState } from "../domain/decide-refund.ts";
import type { Account } from "../domain/ledger.ts";
import type { TransactionState } from "../domain/transaction.ts";

/** Who works on an open outcome, and when somebody looks again; see 0001_payments.sql. */
interface LeaseColumns {
  lease_until: Date | null;
  fence: Generated<bigint>;
  attempts: Generated<number>;
  next_run_at: Date | null;
  sent_at: Generated<Date>;
}

export interface TransactionTable extends LeaseColumns {
  id: string;
  customer_id: string;
  order_id: string;
  idempotency_key: string;
  request_hash: string;
  amount: bigint;
  currency_code: string;
  payment_method: string;
  state: TransactionState;
  decline_code: string | null;
  provider_capture_id: string | null;
  refunded: Generated<bigint>;
  reserved: Generated<bigint>;
  version: Generated<number>;
  create_time: Generated<Date>;
}

export interface RefundTable extends LeaseColumns {
  id: string;
  transaction_id: string;
  provider_capture_id: string;
  surplus: boolean;
  idempotency_key: string;
  request_hash: string;
  amount: bigint;
  reason: string;
  state: RefundState;
  provider_refund_id: string | null;
  create_time: Generated<Date>;
}

export interface LedgerEntryTable {
  id: Generated<bigint>;
  transaction_id: string;
  refund_id: string | null;
  provider_effect_id: string;
  leg: 1 | 2;
  account: Account;
  amount: bigint;
  currency_code: string;
  create_time: Generated<Date>;
}

/** The payment service's own database. */
export interface PaymentSchema {
  transactions: TransactionTable;
  refunds: RefundTable;
  ledger_entries: LedgerEntryTable;
}

export type TransactionRow = Selectable<TransactionTable>;
export type RefundRow = Selectable<RefundTable>;
export type Tx = SqlTransaction<PaymentSchema>;
