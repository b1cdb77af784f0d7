import { type CaptureEffect, type Effect, type RefundEffect, readEffects } from "@holdfast/payment-provider";

/** What the provider really did, out of its own file. */
export interface ProviderEffects {
  /** Captures and refunds, by id. */
  readonly byId: ReadonlyMap<string, CaptureEffect | RefundEffect>;
  readonly capturesOfOrder: ReadonlyMap<string, readonly CaptureEffect[]>;
  readonly refundsOfOrder: ReadonlyMap<string, readonly RefundEffect[]>;
}

/** Reads the provider's file. @throws {Error} If it is missing or damaged. */
export async function readProviderEffects(path: string): Promise<ProviderEffects> {
  const byId = new Map<string, CaptureEffect | RefundEffect>();
  const capturesOfOrder = new Map<string, CaptureEffect[]>();
  const refundsOfOrder = new Map<string, RefundEffect[]>();
  for await (const effect of readEffects(path)) {
    if (effect.type === "decline") continue;
    if (byId.has(effect.id)) throw new Error(`The provider's file has two effects "${effect.id}"`);
    byId.set(effect.id, effect);
    if (effect.type === "capture") add(capturesOfOrder, effect);
    else add(refundsOfOrder, effect);
  }
  return { byId, capturesOfOrder, refundsOfOrder };
}

function add<E extends Effect>(map: Map<string, E[]>, effect: E): void {
  const others = map.get(effect.order_id);
  if (others === undefined) map.set(effect.order_id, [effect]);
  else others.push(effect);
}

/** Minor units of all effects together. */
export function sumOf(effects: readonly { readonly amount_minor: string }[] = []): bigint {
  return effects.reduce((sum, { amount_minor: amount }) => sum + BigInt(amount), 0n);
}
