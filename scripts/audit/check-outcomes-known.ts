import type { Books } from "./books.ts";
import { LONGEST_OPEN_S } from "./longest-open.ts";
import type { Violation } from "./violation.ts";

interface Row {
  id: string;
  /** Unit: seconds. */
  age: number;
}

/**
 * I3, of the payment service: no charge and no refund stays PENDING. Somebody looks for the outcome until it is known,
 * also of a charge that no order waits for. What is PENDING for longer would hide what the ledger lacks, see I2.
 */
export async function checkOutcomesKnown({ payments }: Books): Promise<Violation[]> {
  const rows = await payments.query<Row>(
    `with pending as (
       select id, create_time from transactions where state = 'PENDING'
        union all select id, create_time from refunds where state = 'PENDING'
     )
     select id, extract(epoch from now() - create_time)::float8 as age from pending
      where now() - create_time > make_interval(secs => $1) order by id`,
    [LONGEST_OPEN_S],
  );
  return rows.map(({ id, age }) => ({
    invariant: "I3",
    subject: id,
    what: `has been PENDING for ${Math.round(age)} s`,
  }));
}
