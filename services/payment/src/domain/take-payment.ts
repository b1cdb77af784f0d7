import type { Money } from "./money.ts";
import type { Scope } from "./scope.ts";
import type { Attempt, EffectBook, Settle } from "./settle.ts";
import { type Transaction, TransactionState, UNKNOWN_PAYMENT_METHOD } from "./transaction.ts";

/** What a customer is to pay. */
export interface ChargeCommand {
  readonly customerId: string;
  readonly orderId: string;
  readonly amount: Money;
  readonly paymentMethod: string;
  readonly idempotencyKey: string;
  /** Equal for equal bodies. */
  readonly requestHash: string;
}

/** A charge whose outcome is open. The provider's idempotency key is its id: made once, never per try. */
export interface ChargeAttempt extends Attempt {
  readonly customerId: string;
  readonly orderId: string;
  readonly amount: Money;
  readonly paymentMethod: string;
}

/** What recording the intent of a charge comes to. */
export type OpenedCharge =
  | { readonly kind: "claimed"; readonly attempt: ChargeAttempt }
  | { readonly kind: "settled"; readonly transaction: Transaction }
  | { readonly kind: "key_reused" }
  | { readonly kind: "in_use"; readonly retryAfterMs: number }
  /** Under another key. Once its `state` is not PENDING any more, nobody else will ever charge this order. */
  | { readonly kind: "order_already_charged"; readonly state: TransactionState };

/** The charges of this service. */
export interface Charges extends EffectBook<ChargeAttempt, Transaction> {
  /** Records the intent, or finds the one of an earlier call. In one transaction; of many at once, one claims it. */
  open(command: ChargeCommand, scope: Scope): Promise<OpenedCharge>;
}

/** What a call of Charge comes to. */
export type ChargeOutcome =
  /** COMPLETED, REFUNDED, or PENDING while the outcome is unknown. */
  | { readonly kind: "transaction"; readonly transaction: Transaction }
  | { readonly kind: "declined"; readonly transactionId: string; readonly declineCode: string }
  | { readonly kind: "unknown_payment_method" }
  | Exclude<OpenedCharge, { kind: "claimed" | "settled" }>;

export type TakePayment = (command: ChargeCommand, scope: Scope) => Promise<ChargeOutcome>;

/** Takes a payment once per key: the intent is recorded, then the provider is asked, then the outcome is recorded. */
export function takePayment(deps: {
  charges: Charges;
  settle: Settle<ChargeAttempt, Transaction>;
  now: () => number;
}): TakePayment {
  return async (command, scope) => {
    const openedAt = deps.now();
    const opened = await deps.charges.open(command, scope);
    if (opened.kind === "settled") return outcomeOf(opened.transaction);
    if (opened.kind !== "claimed") return opened;
    return outcomeOf(await deps.settle(opened.attempt, { deadline: scope.deadline, openedAt }));
  };
}

function outcomeOf(transaction: Transaction): ChargeOutcome {
  if (transaction.state !== TransactionState.Failed) return { kind: "transaction", transaction };
  const { id, declineCode = "" } = transaction;
  if (declineCode === UNKNOWN_PAYMENT_METHOD) return { kind: "unknown_payment_method" };
  return { kind: "declined", transactionId: id, declineCode };
}
