import type { Books, OrderRow } from "./books.ts";
import { sumOf } from "./provider-effects.ts";
import type { Violation } from "./violation.ts";

/** What the product service keeps for an order; items as "product×quantity …", ordered by product. */
interface Reservation {
  order_id: string;
  state: string;
  items: string | null;
}

/**
 * I4: a CONFIRMED order is paid for and its stock sold to it, each item once; of a CANCELLED one nothing is kept and no
 * money left. How often the provider captured is I1's.
 */
export async function checkTerminalOrders(books: Books): Promise<Violation[]> {
  const { orders, orderBook, products, provider } = books;
  const lines = await orderBook.query<{ order_id: string; items: string }>(`
    select order_id, string_agg(product_id || '×' || quantity, ' ' order by product_id collate "C") as items
      from (select order_id, product_id, sum(quantity) as quantity from order_lines group by order_id, product_id) l
     group by order_id`);
  const reservations = await products.query<Reservation>(`
    select order_id, state, string_agg(product_id || '×' || quantity, ' ' order by product_id) as items
      from reservation left join reservation_item using (order_id)
     group by order_id, state`);
  const linesOf = new Map(lines.map((line) => [line.order_id, line.items]));
  const reservationOf = new Map(reservations.map((reservation) => [reservation.order_id, reservation]));

  const violations: Violation[] = [];
  const report = (subject: string, what: string) => void violations.push({ invariant: "I4", subject, what });
  for (const order of orders.values()) {
    if (!order.isTerminal) continue;
    const captured = sumOf(provider.capturesOfOrder.get(order.id));
    const refunded = sumOf(provider.refundsOfOrder.get(order.id));
    for (const fault of moneyFaults(order, captured, refunded)) report(order.id, fault);
    for (const fault of stockFaults(order, linesOf.get(order.id), reservationOf.get(order.id))) report(order.id, fault);
  }
  return violations;
}

function moneyFaults({ state, total }: OrderRow, captured: bigint, refunded: bigint): string[] {
  const left = captured - refunded;
  if (state === "CANCELLED") return left === 0n ? [] : [`CANCELLED, but ${left} of ${captured} captured are left`];
  if (captured === 0n) return ["CONFIRMED, but nothing was captured"];
  return left < total && refunded > 0n ? [`CONFIRMED, but ${refunded} of ${captured} were refunded`] : [];
}

function stockFaults({ state }: OrderRow, lines: string | undefined, reservation: Reservation | undefined): string[] {
  const kept = reservation?.state ?? "nothing";
  if (state === "CANCELLED") {
    return kept === "RESERVED" || kept === "COMMITTED" ? [`CANCELLED, but its stock is ${kept}`] : [];
  }
  if (kept !== "COMMITTED") return [`CONFIRMED, but its stock is ${kept}`];
  return reservation?.items === lines ? [] : [`ordered ${lines}, but was sold ${reservation?.items}`];
}
