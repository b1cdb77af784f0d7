import { z } from "zod";
import { AmountMinor, CurrencyCode, Identifier } from "../domain/effect.ts";
import { planCapture } from "../domain/plan-capture.ts";
import { type CarryOutDeps, carryOut } from "./carry-out.ts";
import type { HttpHandler } from "./handler.ts";
import { idempotencyKey } from "./idempotency-key.ts";
import { readJson } from "./read-json.ts";

const Body = z.strictObject({
  order_id: Identifier,
  customer_id: Identifier,
  amount_minor: AmountMinor,
  currency_code: CurrencyCode,
  payment_method: Identifier,
});

/** `POST /v1/captures`: takes money from a card, once per key. */
export function createCapture(deps: CarryOutDeps & { newId: () => string }): HttpHandler {
  return async ({ raw }) => {
    const key = idempotencyKey(raw.headers["idempotency-key"]);
    const request = await readJson(raw, Body);
    return carryOut(
      {
        idempotencyKey: key,
        plan: () => planCapture(request, { ...deps.behaviour.get(), earlier: deps.effects.withKey(key) }),
        effect: (outcome) => ({ id: `cap_${deps.newId()}`, idempotency_key: key, ...request, ...outcome }),
      },
      deps,
    );
  };
}
