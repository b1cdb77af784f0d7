import { z } from "zod";
import type { Answer } from "../domain/answer.ts";
import type { Money } from "../domain/money.ts";
import { UNKNOWN_PAYMENT_METHOD } from "../domain/transaction.ts";

/** What a request was about. An answer about anything else is no answer. */
export interface Asked {
  /** The idempotency key. */
  key: string;
  amount: Money;
}

/** An HTTP answer: the status, and the body as JSON, or undefined if it is none. */
export interface HttpAnswer {
  status: number;
  body: unknown;
}

const about = {
  id: z.string().regex(/^[!-~]{1,255}$/),
  idempotency_key: z.string(),
  amount_minor: z.string().regex(/^[1-9][0-9]{0,17}$/),
  currency_code: z.string(),
};
const Effect = z.discriminatedUnion("status", [
  z.object({ ...about, status: z.literal("captured") }),
  z.object({ ...about, status: z.literal("declined"), decline_code: z.string().regex(/^[a-z0-9_]{1,64}$/) }),
  z.object({ ...about, status: z.literal("refunded") }),
]);
type Effect = z.infer<typeof Effect>;
const Found = z.object({ data: z.array(Effect), in_progress: z.int().min(0) });
const Refusal = z.object({ error: z.string() });

/** What an answer to `POST /v1/captures` or `/v1/refunds` says. Whatever is not clearly an outcome is unknown. */
export function readSent({ status, body }: HttpAnswer, asked: Asked, wanted: "captured" | "refunded"): Answer {
  if (status === 200) {
    const effect = Effect.safeParse(body);
    return effect.success ? readEffects([effect.data], asked, wanted) : unknown("the answer cannot be understood");
  }
  const refusal = Refusal.safeParse(body).data?.error ?? "";
  if (wanted === "captured" && status === 400 && refusal === UNKNOWN_PAYMENT_METHOD) return refused(refusal);
  if (wanted === "refunded" && status === 409 && refusal === "refund_exceeds_capture") return refused(refusal);
  return unknown(`status ${status}`);
}

/** What an answer to `GET /v1/captures` or `/v1/refunds` says. */
export function readFound({ status, body }: HttpAnswer, asked: Asked, wanted: "captured" | "refunded"): Answer {
  if (status !== 200) return unknown(`status ${status}`);
  const found = Found.safeParse(body);
  if (!found.success) return unknown("the answer cannot be understood");
  if (found.data.in_progress > 0) return unknown("a request is still under way at the provider");
  return found.data.data.length === 0 ? { kind: "none" } : readEffects(found.data.data, asked, wanted);
}

function readEffects(effects: readonly Effect[], { key, amount }: Asked, wanted: "captured" | "refunded"): Answer {
  const ours = effects.every(
    ({ idempotency_key, amount_minor, currency_code }) =>
      idempotency_key === key && BigInt(amount_minor) === amount.minorUnits && currency_code === amount.currencyCode,
  );
  if (!ours) return unknown("the answer is about another request");
  // Money that moved outweighs a refusal under the same key.
  const [first, ...rest] = effects.filter(({ status }) => status === wanted).map(({ id }) => id);
  if (first !== undefined) return { kind: "done", effectIds: [first, ...rest] };
  const declined = effects.find((effect) => effect.status === "declined");
  return declined === undefined ? unknown("the answer is about something else") : refused(declined.decline_code);
}

function refused(code: string): Answer {
  return { kind: "refused", code };
}

function unknown(why: string): Answer {
  return { kind: "unknown", why };
}
