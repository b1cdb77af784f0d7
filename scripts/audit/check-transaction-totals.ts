import type { Books } from "./books.ts";
import type { Violation } from "./violation.ts";

/** A transaction's own figures, and what the ledger and its refunds come to. */
interface Totals {
  id: string;
  state: string;
  amount: bigint;
  refunded: bigint;
  reserved: bigint;
  /** By its own capture. */
  captured: bigint;
  /** By captures that are neither its own nor being given back. */
  stray: bigint;
  /** By refunds of its own capture. */
  given_back: bigint;
  /** Of its own capture, by refunds whose outcome is open. */
  being_given_back: bigint;
}

interface Refund {
  id: string;
  state: string;
  amount: bigint;
  moved: bigint;
}

/**
 * I2, inside the payment service: what a transaction says of itself, by which the next refund is admitted, is what the
 * ledger says of it; and a refund is in the ledger once it is COMPLETED, and only then.
 */
export async function checkTransactionTotals({ payments }: Books): Promise<Violation[]> {
  const transactions = await payments.query<Totals>(`
    with posted as (
      select e.transaction_id as id,
             sum(e.amount) filter (where e.provider_effect_id = t.provider_capture_id) as captured,
             sum(e.amount) filter (
               where e.amount > 0 and e.provider_effect_id is distinct from t.provider_capture_id
                 and e.provider_effect_id not in (select provider_capture_id from refunds where surplus)
             ) as stray,
             -sum(e.amount) filter (where not r.surplus) as given_back
        from ledger_entries e
        join transactions t on t.id = e.transaction_id
        left join refunds r on r.id = e.refund_id
       where account = 'merchant'
       group by e.transaction_id
    ), open_refunds as (
      select transaction_id as id, sum(amount) as being_given_back
        from refunds where state = 'PENDING' and not surplus
       group by transaction_id
    )
    select id, state, amount, refunded, reserved, coalesce(captured, 0)::bigint as captured, coalesce(stray, 0)::bigint as stray,
           coalesce(given_back, 0)::bigint as given_back, coalesce(being_given_back, 0)::bigint as being_given_back
      from transactions left join posted using (id) left join open_refunds using (id)
     order by id`);
  const refunds = await payments.query<Refund>(`
    select r.id, r.state, r.amount, coalesce(-sum(e.amount), 0)::bigint as moved
      from refunds r left join ledger_entries e on e.refund_id = r.id and e.account = 'merchant'
     group by r.id
     order by r.id`);
  return [
    ...transactions.flatMap((totals) => transactionFaults(totals).map((what) => violation(totals.id, what))),
    ...refunds.flatMap((refund) => refundFaults(refund).map((what) => violation(refund.id, what))),
  ];
}

function transactionFaults(totals: Totals): string[] {
  const { state, amount, refunded, reserved, captured, stray, given_back: back, being_given_back: open } = totals;
  const faults: string[] = [];
  const due = state === "COMPLETED" || state === "REFUNDED" ? amount : 0n;
  if (captured !== due) faults.push(`is ${state} over ${amount}, the ledger has ${captured} captured`);
  if (stray !== 0n) faults.push(`the ledger has ${stray} more captured, which no refund gives back`);
  if (refunded !== back) faults.push(`refunded is ${refunded}, the ledger has ${back} given back`);
  if ((state === "REFUNDED") !== (refunded === amount))
    faults.push(`is ${state}, refunded are ${refunded} of ${amount}`);
  if (reserved !== open) faults.push(`reserved is ${reserved}, its open refunds come to ${open}`);
  return faults;
}

function refundFaults({ state, amount, moved }: Refund): string[] {
  const due = state === "COMPLETED" ? amount : 0n;
  return moved === due ? [] : [`is ${state} over ${amount}, the ledger has ${moved} given back`];
}

const violation = (subject: string, what: string): Violation => ({ invariant: "I2", subject, what });
