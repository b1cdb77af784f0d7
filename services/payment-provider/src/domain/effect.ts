import { z } from "zod";

/** An identifier chosen by a client: printable ASCII without spaces, 1 to 255 characters. */
export const Identifier = z.string().regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 printable characters, no spaces");

/** Minor units of the currency as digits: JSON numbers are doubles, and money is not. Greater than 0, below 10^18. */
export const AmountMinor = z.string().regex(/^[1-9][0-9]{0,17}$/, "must be a string of 1 to 18 digits, greater than 0");

/** ISO 4217, three capitals. */
export const CurrencyCode = z.string().regex(/^[A-Z]{3}$/, "must be three capital letters");

const about = {
  /** 1, 2, 3 … without a gap, in the order of the file. */
  seq: z.number().int().positive(),
  /** When it happened, ISO 8601 in UTC. For people: the order is `seq`. */
  time: z.iso.datetime(),
  id: z.string(),
  idempotency_key: Identifier,
  order_id: Identifier,
  amount_minor: AmountMinor,
  currency_code: CurrencyCode,
};
const capture = { ...about, customer_id: Identifier, payment_method: z.string() };

/** One line of the file: something that happened to a customer's money, or a refusal that was given. */
export const Effect = z.discriminatedUnion("type", [
  z.object({ ...capture, type: z.literal("capture") }),
  z.object({ ...capture, type: z.literal("decline"), decline_code: z.string() }),
  z.object({ ...about, type: z.literal("refund"), capture_id: z.string(), reason: z.string() }),
]);
export type Effect = z.infer<typeof Effect>;
export type CaptureEffect = Extract<Effect, { type: "capture" }>;
export type DeclineEffect = Extract<Effect, { type: "decline" }>;
export type RefundEffect = Extract<Effect, { type: "refund" }>;

type Unwritten<E> = E extends Effect ? Omit<E, "seq" | "time"> : never;
/** An effect before the file has given it its place and time. */
export type NewEffect = Unwritten<Effect>;
