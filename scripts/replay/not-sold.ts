import type { OrderOutcome } from "./order-outcome.ts";
import type { PlannedOrder } from "./orders-of.ts";

/** Sales that were cancelled, for one reason. */
export interface NotSold {
  readonly orders: number;
  readonly pence: bigint;
  /** The first of them, for people. */
  readonly example: string;
}

/** The sales that were cancelled, by reason. Returns are placed to be cancelled, and are none of them. */
export function notSold(
  orders: readonly PlannedOrder[],
  outcomes: readonly OrderOutcome[],
): ReadonlyMap<string, NotSold> {
  const byReason = new Map<string, NotSold>();
  for (const [index, { name, isReturn }] of orders.entries()) {
    const outcome = outcomes[index];
    if (isReturn || outcome?.kind !== "terminal" || outcome.state !== "CANCELLED") continue;
    const before = byReason.get(outcome.reason) ?? { orders: 0, pence: 0n, example: `${name} (${outcome.orderId})` };
    const pence = before.pence + outcome.totalPence;
    byReason.set(outcome.reason, { ...before, orders: before.orders + 1, pence });
  }
  return byReason;
}
