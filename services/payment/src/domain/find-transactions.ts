import type { Scope } from "./scope.ts";
import type { Transaction } from "./transaction.ts";

/** By what transactions are found: every part that is there has to match. An id or a key is. */
export interface TransactionFilter {
  readonly transactionId?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly customerId?: string | undefined;
}

/** Tells the transactions that match, two at most: a key counts per customer, so that several may have used it. */
export type FindTransactions = (by: TransactionFilter, scope: Scope) => Promise<readonly Transaction[]>;
