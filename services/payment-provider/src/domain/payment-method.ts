export interface PaymentMethod {
  /** Why the card is refused; absent: it is charged. */
  declineCode?: string;
  /** Answers late. */
  slow?: boolean;
  /** The first request with a key gets no answer, although it was carried out. */
  dropsFirstAnswer?: boolean;
}

const METHODS: ReadonlyMap<string, PaymentMethod> = new Map<string, PaymentMethod>([
  ["pm_card_ok", {}],
  ["pm_card_declined", { declineCode: "card_declined" }],
  ["pm_card_insufficient_funds", { declineCode: "insufficient_funds" }],
  ["pm_card_slow", { slow: true }],
  ["pm_card_unknown_outcome", { dropsFirstAnswer: true }],
]);

/** What a payment method's token does; `undefined` for a token that nobody issued. */
export function paymentMethod(token: string): PaymentMethod | undefined {
  return METHODS.get(token);
}
