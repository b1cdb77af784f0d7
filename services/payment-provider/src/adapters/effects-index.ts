import type { CaptureEffect, DeclineEffect, Effect, RefundEffect } from "../domain/effect.ts";

/** Finds effects by key and by capture. Holds nothing that the file does not: it is built from it at every start. */
export function effectsIndex() {
  const byKey = new Map<string, Effect[]>();
  const captures = new Map<string, CaptureEffect | DeclineEffect>();
  const refunds = new Map<string, RefundEffect[]>();

  return {
    add(effect: Effect): void {
      push(byKey, effect.idempotency_key, effect);
      if (effect.type === "refund") push(refunds, effect.capture_id, effect);
      else captures.set(effect.id, effect);
    },
    withKey: (key: string): readonly Effect[] => byKey.get(key) ?? [],
    capture: (id: string) => captures.get(id),
    refundsOf: (captureId: string): readonly RefundEffect[] => refunds.get(captureId) ?? [],
  };
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
