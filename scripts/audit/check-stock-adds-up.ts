import type { Books } from "./books.ts";
import type { Violation } from "./violation.ts";

interface Row {
  id: string;
  stock: bigint;
  reserved: bigint;
  sold: bigint;
  received: bigint;
  kept: bigint;
  taken: bigint;
}

/** I5: no stock is below 0; every unit is in stock, reserved for an order, or sold to one. */
export async function checkStockAddsUp({ products }: Books): Promise<Violation[]> {
  const rows = await products.query<Row>(`
    with of_orders as (
      select product_id,
             sum(quantity) filter (where state = 'RESERVED') as kept,
             sum(quantity) filter (where state = 'COMMITTED') as taken
        from reservation_item join reservation using (order_id)
       group by product_id
    )
    select id, stock, reserved, sold, received, coalesce(kept, 0)::bigint as kept, coalesce(taken, 0)::bigint as taken
      from product left join of_orders on product_id = id
     where stock < 0 or received <> stock + reserved + sold
        or reserved <> coalesce(kept, 0) or sold <> coalesce(taken, 0)
     order by id`);
  return rows.flatMap((row) => faultsOf(row).map((what) => ({ invariant: "I5" as const, subject: row.id, what })));
}

function faultsOf({ stock, reserved, sold, received, kept, taken }: Row): string[] {
  const faults: string[] = [];
  if (stock < 0n) faults.push(`its stock is ${stock}`);
  if (received !== stock + reserved + sold) {
    faults.push(`received ${received} is not stock ${stock} + reserved ${reserved} + sold ${sold}`);
  }
  if (reserved !== kept) faults.push(`reserved is ${reserved}, but orders keep ${kept}`);
  if (sold !== taken) faults.push(`sold is ${sold}, but orders took ${taken}`);
  return faults;
}
