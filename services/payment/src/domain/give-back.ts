import { refundableOf } from "./admit-refund.ts";
import { RefundState } from "./decide-refund.ts";
import type { Money } from "./money.ts";
import type { Scope } from "./scope.ts";
import type { Attempt, EffectBook, Settle } from "./settle.ts";
import type { Transaction, TransactionState } from "./transaction.ts";

/** What is to be given back of a charge. */
export interface RefundCommand {
  readonly transactionId: string;
  /** Undefined means all that is left. */
  readonly amount: Money | undefined;
  readonly reason: string;
  readonly idempotencyKey: string;
  /** Equal for equal bodies. */
  readonly requestHash: string;
}

/** A refund whose outcome is open. The provider's idempotency key is its id. */
export interface RefundAttempt extends Attempt {
  readonly captureId: string;
  readonly amount: Money;
  readonly reason: string;
}

/** A refund and the charge that it belongs to, as they are now. */
export interface RefundStanding {
  readonly state: RefundState;
  readonly transaction: Transaction;
}

/** What recording the intent of a refund comes to. */
export type OpenedRefund =
  | { readonly kind: "claimed"; readonly attempt: RefundAttempt }
  | { readonly kind: "settled"; readonly standing: RefundStanding }
  | { readonly kind: "key_reused" }
  | { readonly kind: "in_use"; readonly retryAfterMs: number }
  | { readonly kind: "transaction_not_found" }
  | { readonly kind: "currency_mismatch" }
  | { readonly kind: "not_refundable"; readonly state: TransactionState }
  | { readonly kind: "exceeds"; readonly refundable: bigint };

/** The refunds of this service. */
export interface Refunds extends EffectBook<RefundAttempt, RefundStanding> {
  /** Reserves the amount and records the intent, under the charge's row lock; or finds the one of an earlier call. */
  open(command: RefundCommand, scope: Scope): Promise<OpenedRefund>;
}

/** What a call of Refund comes to. */
export type RefundOutcome =
  /** The money is back: the provider has confirmed it. */
  | { readonly kind: "refunded"; readonly transaction: Transaction }
  /** Not known yet. The same call again gives the outcome, once there is one. */
  | { readonly kind: "unknown" }
  | Exclude<OpenedRefund, { kind: "claimed" | "settled" }>;

export type GiveBack = (command: RefundCommand, scope: Scope) => Promise<RefundOutcome>;

/** Gives money back once per key, by the same three steps as a charge. */
export function giveBack(deps: {
  refunds: Refunds;
  settle: Settle<RefundAttempt, RefundStanding>;
  now: () => number;
}): GiveBack {
  return async (command, scope) => {
    const openedAt = deps.now();
    const opened = await deps.refunds.open(command, scope);
    if (opened.kind === "settled") return outcomeOf(opened.standing);
    if (opened.kind !== "claimed") return opened;
    return outcomeOf(await deps.settle(opened.attempt, { deadline: scope.deadline, openedAt }));
  };
}

function outcomeOf({ state, transaction }: RefundStanding): RefundOutcome {
  switch (state) {
    case RefundState.Completed:
      return { kind: "refunded", transaction };
    case RefundState.Pending:
      return { kind: "unknown" };
    case RefundState.Failed:
      return { kind: "exceeds", refundable: refundableOf(transaction) };
    default:
      return state satisfies never;
  }
}
