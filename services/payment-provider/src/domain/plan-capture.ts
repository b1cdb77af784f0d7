import type { Effect } from "./effect.ts";
import type { Mode } from "./mode.ts";
import { paymentMethod } from "./payment-method.ts";
import { deliveryIn, keyReused, type Plan } from "./plan.ts";

export interface CaptureRequest {
  order_id: string;
  customer_id: string;
  amount_minor: string;
  currency_code: string;
  payment_method: string;
}

/** Captured, or declined for a reason. */
export type CaptureOutcome = { type: "capture" } | { type: "decline"; decline_code: string };

/** What a capture request comes to. `earlier`: the effects that its key had before. */
export function planCapture(
  request: CaptureRequest,
  { mode, honoursKeys, earlier }: { mode: Mode; honoursKeys: boolean; earlier: readonly Effect[] },
): Plan<CaptureOutcome> {
  const method = paymentMethod(request.payment_method);
  if (method === undefined) return { kind: "refuse", status: 400, error: "unknown_payment_method", usesMode: false };
  if (mode === "drop_before_charge") return { kind: "drop", usesMode: true };

  const first = earlier[0];
  if (honoursKeys && first !== undefined) {
    return { ...(asksFor(request, first) ? { kind: "replay", effect: first } : keyReused), usesMode: false };
  }

  const declineCode = method.declineCode ?? (mode === "decline" ? "card_declined" : undefined);
  const dropsThisAnswer = method.dropsFirstAnswer === true && first === undefined;
  return {
    kind: "perform",
    outcome: declineCode === undefined ? { type: "capture" } : { type: "decline", decline_code: declineCode },
    slow: method.slow === true || mode === "slow",
    delivery: dropsThisAnswer ? "drop" : deliveryIn(mode),
    usesMode: mode !== "ok",
  };
}

function asksFor(request: CaptureRequest, effect: Effect): boolean {
  return (
    effect.type !== "refund" &&
    effect.order_id === request.order_id &&
    effect.customer_id === request.customer_id &&
    effect.amount_minor === request.amount_minor &&
    effect.currency_code === request.currency_code &&
    effect.payment_method === request.payment_method
  );
}
