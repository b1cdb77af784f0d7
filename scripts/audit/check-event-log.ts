import type { Books } from "./books.ts";
import type { Violation } from "./violation.ts";

interface Step {
  order_id: string;
  sequence: number;
  expected: bigint;
  state: string;
  previous: string | null;
}

interface Head {
  id: string;
  state: string;
  version: number;
  events: bigint;
  last_state: string | null;
}

/**
 * I6: each order's log starts with PENDING and moves along the declared transitions, its sequence has no gap, it ends
 * with the order's state and version, and every event has its row in the outbox.
 */
export async function checkEventLog({ orderBook }: Books): Promise<Violation[]> {
  const steps = await orderBook.query<Step>(`
    select * from (
      select order_id, sequence, state, row_number() over log as expected, lag(state) over log as previous
        from order_events window log as (partition by order_id order by sequence)
    ) e
     where sequence <> expected
        or (coalesce(previous, ''), state) not in (
          ('', 'PENDING'), ('PENDING', 'STOCK_RESERVED'), ('PENDING', 'CANCELLED'), ('STOCK_RESERVED', 'PAID'),
          ('STOCK_RESERVED', 'CANCELLED'), ('PAID', 'CONFIRMED'), ('PAID', 'CANCELLED')
        )
     order by order_id, sequence`);
  const heads = await orderBook.query<Head>(`
    select id, o.state, version, events, last_state
      from orders o left join (
        select order_id, count(*) as events, (array_agg(state order by sequence desc))[1] as last_state
          from order_events group by order_id
      ) e on order_id = id
     where version is distinct from events or o.state is distinct from last_state
     order by id`);
  const untold = await orderBook.query<{ order_id: string; sequence: number }>(`
    select order_id, sequence from order_events left join outbox using (order_id, sequence)
     where outbox.id is null order by order_id, sequence`);
  const customers = await orderBook.query<{ customer_id: string; events: bigint; last: bigint }>(`
    select customer_id, count(*) as events, max(customer_sequence) as last from order_events
     group by customer_id having min(customer_sequence) <> 1 or max(customer_sequence) <> count(*)
     order by customer_id`);
  return [
    ...steps.map((step) => violation(step.order_id, stepFault(step))),
    ...heads.map((head) => violation(head.id, headFault(head))),
    ...untold.map(({ order_id: id, sequence }) => violation(id, `event ${sequence} has no row in the outbox`)),
    ...customers.map(({ customer_id: id, events, last }) =>
      violation(id, `the customer's ${events} events are numbered up to ${last}`),
    ),
  ];
}

function stepFault({ sequence, expected, state, previous }: Step): string {
  if (BigInt(sequence) !== expected) return `event ${expected} is missing, the next one is ${sequence}`;
  return `event ${sequence} goes from ${previous ?? "nothing"} to ${state}`;
}

function headFault({ state, version, events, last_state: lastState }: Head): string {
  return `is ${state}, version ${version}; its log has ${events ?? 0n} events and ends with ${lastState ?? "nothing"}`;
}

const violation = (subject: string, what: string): Violation => ({ invariant: "I6", subject, what });
