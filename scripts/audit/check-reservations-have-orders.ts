import type { Books } from "./books.ts";
import type { Violation } from "./violation.ts";

/** I5, seen from the stock: nothing is kept for, or sold to, an order that does not exist. */
export async function checkReservationsHaveOrders({ products, orders }: Books): Promise<Violation[]> {
  const reservations = await products.query<{ order_id: string; state: string }>(
    "select order_id, state from reservation where state <> 'RELEASED' order by order_id",
  );
  return reservations
    .filter(({ order_id: id }) => !orders.has(id))
    .map(({ order_id: id, state }) => ({
      invariant: "I5",
      subject: id,
      what: `its stock is ${state}, but there is no such order`,
    }));
}
