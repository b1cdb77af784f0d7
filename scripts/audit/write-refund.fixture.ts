import type { TestBooks } from "./books.fixture.ts";
import { post } from "./post.fixture.ts";

export interface RefundStory {
  /** The charge's: `txn_<name>`, captured as `cap_<name>`. */
  readonly orderId: string;
  /** Names the refund, `rfd_<name>`, and what the provider makes of it, `ref_<name>`. */
  readonly name: string;
  readonly amount: number;
  /** The capture that nobody asked for, if it is one of these that goes back. */
  readonly surplusCaptureId?: string;
  readonly state: "PENDING" | "COMPLETED";
}

/** Writes a refund into the payment service's books, and into the provider's if it is settled. */
export async function writeRefund({ payment, provider }: TestBooks, story: RefundStory) {
  const { orderId, name, amount, surplusCaptureId, state } = story;
  const isSurplus = surplusCaptureId !== undefined;
  const isSettled = state === "COMPLETED";
  const [transactionId, refundId, effectId] = [`txn_${orderId.slice(4)}`, `rfd_${name}`, `ref_${name}`];
  const captureId = surplusCaptureId ?? `cap_${orderId.slice(4)}`;
  await payment(
    `insert into refunds (id, transaction_id, provider_capture_id, surplus, idempotency_key, request_hash, amount, reason,
       state, provider_refund_id, next_run_at)
     values ($1, $2, $3, $4, $1, '', $5, '', $6, $7, $8)`,
    [
      refundId,
      transactionId,
      captureId,
      isSurplus,
      amount,
      state,
      isSettled ? effectId : null,
      isSettled ? null : new Date(),
    ],
  );
  if (!isSurplus) {
    await payment(
      isSettled
        ? `update transactions set refunded = refunded + $2::int,
             state = case when refunded + $2::int = amount then 'REFUNDED' else state end where id = $1`
        : "update transactions set reserved = reserved + $2::int where id = $1",
      [transactionId, amount],
    );
  }
  if (!isSettled) return;
  const about = { idempotency_key: refundId, order_id: orderId, amount_minor: String(amount), currency_code: "GBP" };
  await provider.append({ ...about, type: "refund", id: effectId, capture_id: captureId, reason: "" });
  await post(payment, { transactionId, refundId, effectId }, -amount);
}
