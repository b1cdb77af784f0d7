import { CancelReason, isTerminal, OrderState } from "../order.ts";
import { type Decision, goOn, ignore, pause } from "./decision.ts";
import { nextCall } from "./next-call.ts";
import { type Answer, type ChargeAnswer, type Saga, SagaStep } from "./saga.ts";

export type SagaEvent =
  /** A worker is about to make the next call. `expired`: the order's time is over. */
  | { readonly kind: "run"; readonly expired: boolean }
  | { readonly kind: "cancel_requested" }
  | ({ readonly kind: "answered" } & Answer);

/**
 * The order saga: from what is known of an order and what has just happened, to what is known now and what to do. What
 * comes twice, late, or about another step than the present one changes nothing, and nothing moves a terminal order.
 */
export function decide(saga: Saga, event: SagaEvent): Decision {
  if (isTerminal(saga.state)) return ignore(saga);
  switch (event.kind) {
    case "run":
      return nextCall(saga, event.expired);
    case "cancel_requested":
      return requestCancel(saga);
    case "answered":
      return answered(saga, event);
    default:
      return event satisfies never;
  }
}

/** Whether it was granted shows in `cancelReason`: a sale that may have happened cannot be called back. */
function requestCancel(saga: Saga): Decision {
  if (saga.commitStarted || saga.cancelReason !== undefined) return ignore(saga);
  return goOn(saga, { cancelReason: CancelReason.CustomerRequest });
}

function answered(saga: Saga, event: Answer): Decision {
  switch (event.step) {
    case SagaStep.ReserveStock:
      if (saga.step !== SagaStep.ReserveStock) return ignore(saga);
      if (event.answer.kind === "reserved") {
        return goOn(saga, { state: OrderState.StockReserved, step: SagaStep.Charge });
      }
      // An earlier attempt may still be on its way: only a release makes sure that it finds nothing to take.
      if (event.answer.kind === "refused") return giveUp(saga, CancelReason.OutOfStock, SagaStep.ReleaseStock);
      return pause(saga);

    case SagaStep.Charge:
    case SagaStep.AskCharge:
      return saga.step === SagaStep.AskCharge ? chargeAnswered(saga, event.answer) : ignore(saga);

    case SagaStep.CommitStock:
      if (saga.step !== SagaStep.CommitStock || !saga.commitStarted) return ignore(saga);
      if (event.answer.kind === "committed") {
        return goOn(saga, { state: OrderState.Confirmed, step: SagaStep.None });
      }
      if (event.answer.kind === "refused") return giveUp(saga, CancelReason.OutOfStock, SagaStep.Refund);
      return pause(saga);

    case SagaStep.Refund:
      if (saga.step !== SagaStep.Refund) return ignore(saga);
      return event.answer.kind === "refunded" ? goOn(saga, { step: SagaStep.ReleaseStock }) : pause(saga);

    case SagaStep.ReleaseStock:
      if (saga.step !== SagaStep.ReleaseStock) return ignore(saga);
      if (event.answer.kind !== "released") return pause(saga);
      return goOn(saga, { state: OrderState.Cancelled, step: SagaStep.None });

    default:
      return event satisfies never;
  }
}

function chargeAnswered(saga: Saga, answer: ChargeAnswer): Decision {
  switch (answer.kind) {
    case "completed":
      // Also under a cancellation: the money is here, and has to be seen before it is given back.
      return goOn(saga, {
        state: OrderState.Paid,
        step: SagaStep.CommitStock,
        transactionId: answer.transactionId,
      });
    case "declined":
    case "refunded":
    // Nothing of this order was captured, so nothing is refunded: what was captured instead is not ours to give back.
    case "blocked":
      return giveUp(saga, CancelReason.PaymentDeclined, SagaStep.ReleaseStock);
    case "not_found":
      // The same key again, also under a cancellation: a request that is still in some queue would otherwise capture
      // after the order was cancelled. Once this charge has an answer, the key is spent.
      return goOn(saga, { step: SagaStep.Charge, attempts: saga.attempts });
    case "pending":
    case "unknown":
      return pause(saga);
    default:
      return answer satisfies never;
  }
}

/** Decides to cancel, unless that was decided before, and goes on with what has to be given back. */
function giveUp(saga: Saga, reason: CancelReason, step: SagaStep): Decision {
  return goOn(saga, { cancelReason: saga.cancelReason ?? reason, step });
}
