import type { CancelReason, OrderState } from "../order.ts";

/** A step towards CONFIRMED or CANCELLED: one call to a neighbour. */
export const SagaStep = {
  ReserveStock: "reserve_stock",
  Charge: "charge",
  /** Asks what became of a charge that may have been sent. */
  AskCharge: "ask_charge",
  CommitStock: "commit_stock",
  Refund: "refund",
  ReleaseStock: "release_stock",
  /** The order is terminal. */
  None: "none",
} as const;
export type SagaStep = (typeof SagaStep)[keyof typeof SagaStep];

/** All that the saga remembers of an order. What is not in here is lost when the process is killed. */
export interface Saga {
  readonly orderId: string;
  readonly state: OrderState;
  readonly cancelReason: CancelReason | undefined;
  /** What to do next, and what to do if nobody comes back from the step before. */
  readonly step: SagaStep;
  /** A charge may have been sent. Never false again: the request may still wait in some queue. */
  readonly chargeStarted: boolean;
  /** The sale may have happened: from here on there is no way back but the product service's own refusal. */
  readonly commitStarted: boolean;
  readonly transactionId: string | undefined;
  /** Calls since the last progress. */
  readonly attempts: number;
}

/** A call to make, with the key that makes it safe to repeat. Everything else follows from the order. */
export type Call =
  | { readonly step: typeof SagaStep.ReserveStock }
  | { readonly step: typeof SagaStep.Charge; readonly idempotencyKey: string }
  | { readonly step: typeof SagaStep.AskCharge; readonly idempotencyKey: string }
  | { readonly step: typeof SagaStep.CommitStock }
  | { readonly step: typeof SagaStep.Refund; readonly idempotencyKey: string; readonly transactionId: string }
  | { readonly step: typeof SagaStep.ReleaseStock };

/** No answer that says what happened: a timeout, a lost connection, a defect of the neighbour. Never a refusal. */
export interface Unknown {
  readonly kind: "unknown";
  /** Code or reason, for the log. */
  readonly why: string;
}

/** `refused`: it is out of stock, or the reservation was released, and nothing is kept. */
export type ReserveAnswer = { readonly kind: "reserved" } | { readonly kind: "refused" } | Unknown;

/** What is known of a charge, whether by charging or by asking. */
export type ChargeAnswer =
  | { readonly kind: "completed"; readonly transactionId: string }
  | { readonly kind: "declined" }
  /** Captured, and somebody gave all of it back. */
  | { readonly kind: "refunded"; readonly transactionId: string }
  | { readonly kind: "pending" }
  /** To a question only: the charge has not arrived (yet). */
  | { readonly kind: "not_found" }
  | Blocked
  | Unknown;

/** Another charge is where this one belongs, and stays there: this one was never captured, nor ever will be. */
type Blocked =
  /** Under its key; `transactionId` is the other charge, `otherOrderId` what it is for. */
  | {
      readonly kind: "blocked";
      readonly why: "KEY_TAKEN";
      readonly transactionId: string;
      readonly otherOrderId: string;
    }
  /** Under another key, for the same order. */
  | { readonly kind: "blocked"; readonly why: "ORDER_ALREADY_CHARGED" };

/** `refused`: nothing is reserved any more, nor ever will be. */
export type CommitAnswer = { readonly kind: "committed" } | { readonly kind: "refused" } | Unknown;

/** `refunded`: nothing of the charge is left with us. */
export type RefundAnswer = { readonly kind: "refunded" } | Unknown;

export type ReleaseAnswer = { readonly kind: "released" } | Unknown;

/** What a neighbour answered to which call. */
export type Answer =
  | { readonly step: typeof SagaStep.ReserveStock; readonly answer: ReserveAnswer }
  | { readonly step: typeof SagaStep.Charge | typeof SagaStep.AskCharge; readonly answer: ChargeAnswer }
  | { readonly step: typeof SagaStep.CommitStock; readonly answer: CommitAnswer }
  | { readonly step: typeof SagaStep.Refund; readonly answer: RefundAnswer }
  | { readonly step: typeof SagaStep.ReleaseStock; readonly answer: ReleaseAnswer };
