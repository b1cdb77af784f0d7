import type { Books } from "./books.ts";
import { sumOf } from "./provider-effects.ts";
import type { Violation } from "./violation.ts";

/**
 * I1: the provider captured no order more than once, and none but its total. Oracle: the provider's own file. Nothing
 * was captured for an order that got lost; charges that somebody made without an order are none of these.
 */
export async function checkCapturedOnce({ orders, payments, provider }: Books): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const { id, total, currency } of orders.values()) {
    const captures = provider.capturesOfOrder.get(id) ?? [];
    const [first] = captures;
    if (first === undefined) continue;
    const found = `${sumOf(captures)} ${first.currency_code} in ${captures.map((capture) => capture.id).join(", ")}`;
    if (captures.length > 1) violations.push(violation(id, `captured ${captures.length} times: ${found}`));
    else if (sumOf(captures) !== total || first.currency_code !== currency) {
      violations.push(violation(id, `captured ${found}, its total is ${total} ${currency}`));
    }
  }
  const ofSagas = await payments.query<{ order_id: string }>(
    "select order_id from transactions where idempotency_key = order_id || ':capture:1' order by order_id",
  );
  for (const { order_id: id } of ofSagas) {
    if (orders.has(id) || !provider.capturesOfOrder.has(id)) continue;
    violations.push(violation(id, "captured, but there is no such order"));
  }
  return violations;
}

const violation = (subject: string, what: string): Violation => ({ invariant: "I1", subject, what });
