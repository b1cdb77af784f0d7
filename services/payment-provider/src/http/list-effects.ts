import type { Effect } from "../domain/effect.ts";
import type { Effects } from "../domain/effects.ts";
import type { HttpHandler } from "./handler.ts";
import { HttpError } from "./http-error.ts";
import { idempotencyKey } from "./idempotency-key.ts";
import type { InProgress } from "./in-progress.ts";
import { toAnswer } from "./to-answer.ts";

/**
 * `GET /v1/captures?idempotency_key=` and `GET /v1/refunds?idempotency_key=`: what happened with a key. Several effects
 * where keys are not honoured. `in_progress` counts the requests with this key that may still have an effect: an empty
 * `data` means "never happened" only where it is 0.
 */
export function listEffects(
  types: readonly Effect["type"][],
  { effects, inProgress }: { effects: Effects; inProgress: InProgress },
): HttpHandler {
  return async ({ query }) => {
    const unknown = [...query.keys()].find((name) => name !== "idempotency_key");
    if (unknown !== undefined) throw new HttpError(400, "invalid_request", "the only parameter is idempotency_key");
    const key = idempotencyKey(query.get("idempotency_key"));
    const data = effects.withKey(key).filter(({ type }) => types.includes(type));
    const underWay = inProgress.withKey(key);
    await effects.durable(); // Nobody is told what a power cut could still undo.
    return { status: 200, body: { data: data.map(toAnswer), in_progress: underWay } };
  };
}
