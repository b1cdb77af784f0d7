import { z } from "zod";
import { AmountMinor, Identifier } from "../domain/effect.ts";
import { checkRefund, planRefund } from "../domain/plan-refund.ts";
import { type CarryOutDeps, carryOut } from "./carry-out.ts";
import type { HttpHandler } from "./handler.ts";
import { idempotencyKey } from "./idempotency-key.ts";
import { readJson } from "./read-json.ts";

const Body = z.strictObject({
  capture_id: Identifier,
  amount_minor: AmountMinor,
  /** For people. May be empty. */
  reason: z.string().max(500),
});

/** `POST /v1/refunds`: gives money of a capture back, once per key and never more than was taken. */
export function createRefund(deps: CarryOutDeps & { newId: () => string }): HttpHandler {
  const { effects, behaviour } = deps;
  const refundable = (id: string) => ({ capture: effects.capture(id), refunds: effects.refundsOf(id) });

  return async ({ raw }) => {
    const key = idempotencyKey(raw.headers["idempotency-key"]);
    const request = await readJson(raw, Body);
    return carryOut(
      {
        idempotencyKey: key,
        plan: () =>
          planRefund(request, {
            ...behaviour.get(),
            earlier: effects.withKey(key),
            refundable: refundable(request.capture_id),
          }),
        effect: ({ order_id, currency_code }) => {
          const checked = checkRefund(request, refundable(request.capture_id));
          if (checked.kind === "refuse") return checked;
          const id = `ref_${deps.newId()}`;
          return { type: "refund", id, idempotency_key: key, order_id, currency_code, ...request };
        },
      },
      deps,
    );
  };
}
