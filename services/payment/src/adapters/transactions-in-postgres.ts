import type { Database } from "@holdfast/storage";
import type { FindTransactions } from "../domain/find-transactions.ts";
import type { PaymentSchema } from "./tables.ts";
import { toTransaction } from "./to-transaction.ts";

/** Looks transactions up; two at most, because more than one is as good as many. */
export function transactionsInPostgres(db: Database<PaymentSchema>): FindTransactions {
  return (by, scope) =>
    db.transaction(scope, async (tx) => {
      const rows = await tx
        .selectFrom("transactions")
        .selectAll()
        .$if(by.transactionId !== undefined, (found) => found.where("id", "=", by.transactionId ?? ""))
        .$if(by.idempotencyKey !== undefined, (found) => found.where("idempotency_key", "=", by.idempotencyKey ?? ""))
        .$if(by.customerId !== undefined, (found) => found.where("customer_id", "=", by.customerId ?? ""))
        .limit(2)
        .execute();
      return rows.map(toTransaction);
    });
}
