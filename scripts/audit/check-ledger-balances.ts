import type { Books } from "./books.ts";
import type { Violation } from "./violation.ts";

interface Row {
  transaction_id: string;
  currency_code: string;
  total: bigint;
  clearing: bigint;
}

/**
 * I2, inside the ledger: all lines together and those of each transaction add up to 0, and nothing stays in clearing
 * once a transaction is settled.
 */
export async function checkLedgerBalances({ payments }: Books): Promise<Violation[]> {
  const rows = await payments.query<Row>(`
    with in_flight as (
      select id from transactions where state = 'PENDING'
       union select transaction_id from refunds where state = 'PENDING'
    )
    select transaction_id, currency_code, sum(amount)::bigint as total,
           coalesce(sum(amount) filter (where account = 'clearing' and transaction_id not in (select id from in_flight)),
             0)::bigint as clearing
      from ledger_entries
     group by transaction_id, currency_code
    having sum(amount) <> 0
        or sum(amount) filter (where account = 'clearing' and transaction_id not in (select id from in_flight)) <> 0
     order by transaction_id, currency_code`);
  const totals = await payments.query<{ currency_code: string; total: bigint }>(`
    select currency_code, sum(amount)::bigint as total from ledger_entries
     group by currency_code having sum(amount) <> 0 order by currency_code`);
  return [
    ...rows.flatMap(faultsOf),
    ...totals.map(({ currency_code: currency, total }) => violation(currency, `the ledger adds up to ${total}, not 0`)),
  ];
}

function faultsOf({ transaction_id: id, currency_code: currency, total, clearing }: Row): Violation[] {
  const faults: Violation[] = [];
  if (total !== 0n) faults.push(violation(id, `its ledger lines add up to ${total} ${currency}, not 0`));
  if (clearing !== 0n) faults.push(violation(id, `${clearing} ${currency} are left in clearing`));
  return faults;
}

const violation = (subject: string, what: string): Violation => ({ invariant: "I2", subject, what });
