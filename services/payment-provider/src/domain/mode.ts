/** How the provider behaves towards everybody. What a payment method does comes on top. */
export const MODES = [
  "ok",
  /** Every capture is declined; refunds are not touched. */
  "decline",
  /** Answers late; the money moves just before the answer. */
  "slow",
  /** The connection ends without an answer, and nothing has happened. */
  "drop_before_charge",
  /** The money moves, then the connection ends without an answer. */
  "charge_then_drop",
  /** The money moves, then the answer is a 500. */
  "error_500_after_charge",
] as const;
export type Mode = (typeof MODES)[number];
