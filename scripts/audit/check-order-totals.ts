import type { Books } from "./books.ts";
import type { Violation } from "./violation.ts";

interface Row {
  id: string;
  total: bigint;
  line_count: number;
  worth: bigint;
  lines: bigint;
}

/** I1, inside the order: the total that the provider may capture is what the order's lines come to, all of them. */
export async function checkOrderTotals({ orderBook }: Books): Promise<Violation[]> {
  const rows = await orderBook.query<Row>(`
    select o.id, total_minor_units as total, line_count, count(line_number) as lines,
           coalesce(sum(quantity * unit_price_minor_units), 0)::bigint as worth
      from orders o left join order_lines on order_id = o.id
     group by o.id
    having total_minor_units <> coalesce(sum(quantity * unit_price_minor_units), 0) or line_count <> count(line_number)
     order by o.id`);
  return rows.map(({ id, total, line_count: counted, worth, lines }) => ({
    invariant: "I1",
    subject: id,
    what: `its total is ${total} for ${counted} lines; it has ${lines}, which come to ${worth}`,
  }));
}
