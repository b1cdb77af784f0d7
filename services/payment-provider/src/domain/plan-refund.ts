import type { CaptureEffect, DeclineEffect, Effect, RefundEffect } from "./effect.ts";
import type { Mode } from "./mode.ts";
import { deliveryIn, keyReused, type Plan, type Refusal } from "./plan.ts";

export interface RefundRequest {
  capture_id: string;
  amount_minor: string;
  reason: string;
}

/** The capture a refund is for, and what of it went back already. */
export interface Refundable {
  capture: CaptureEffect | DeclineEffect | undefined;
  refunds: readonly RefundEffect[];
}

/** What a refund request comes to. `earlier`: the effects that its key had before. */
export function planRefund(
  request: RefundRequest,
  {
    mode,
    honoursKeys,
    earlier,
    refundable,
  }: { mode: Mode; honoursKeys: boolean; earlier: readonly Effect[]; refundable: Refundable },
): Plan<CaptureEffect> {
  if (mode === "drop_before_charge") return { kind: "drop", usesMode: true };

  const first = earlier[0];
  if (honoursKeys && first !== undefined) {
    return { ...(asksFor(request, first) ? { kind: "replay", effect: first } : keyReused), usesMode: false };
  }

  const checked = checkRefund(request, refundable);
  if (checked.kind === "refuse") return { ...checked, usesMode: false };
  return {
    kind: "perform",
    outcome: checked.capture,
    slow: mode === "slow",
    delivery: deliveryIn(mode),
    usesMode: mode !== "ok" && mode !== "decline",
  };
}

/** Whether the capture still has the money. Asked again after a wait, because another refund may have come between. */
export function checkRefund(
  request: RefundRequest,
  { capture, refunds }: Refundable,
): Refusal | { kind: "refundable"; capture: CaptureEffect } {
  if (capture === undefined) return { kind: "refuse", status: 404, error: "capture_not_found" };
  if (capture.type === "decline") return { kind: "refuse", status: 409, error: "refund_exceeds_capture" };
  const refunded = refunds.reduce((sum, refund) => sum + BigInt(refund.amount_minor), 0n);
  if (refunded + BigInt(request.amount_minor) > BigInt(capture.amount_minor)) {
    return { kind: "refuse", status: 409, error: "refund_exceeds_capture" };
  }
  return { kind: "refundable", capture };
}

function asksFor(request: RefundRequest, effect: Effect): boolean {
  return (
    effect.type === "refund" &&
    effect.capture_id === request.capture_id &&
    effect.amount_minor === request.amount_minor &&
    effect.reason === request.reason
  );
}
