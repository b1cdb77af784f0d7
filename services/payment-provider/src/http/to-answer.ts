import type { Effect } from "../domain/effect.ts";

/** An effect as clients see it. The same effect gives the same answer, today and after a restart. */
export function toAnswer(effect: Effect): object {
  const { id, idempotency_key, order_id, amount_minor, currency_code } = effect;
  const common = { amount_minor, currency_code, idempotency_key, order_id };
  switch (effect.type) {
    case "capture":
      return { id, status: "captured", ...common };
    case "decline":
      return { id, status: "declined", decline_code: effect.decline_code, ...common };
    case "refund":
      return { id, status: "refunded", capture_id: effect.capture_id, reason: effect.reason, ...common };
    default:
      return effect satisfies never;
  }
}
