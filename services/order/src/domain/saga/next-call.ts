import { CancelReason, OrderState } from "../order.ts";
import { captureKey, refundKey } from "./charge-key.ts";
import type { Decision } from "./decision.ts";
import { type Call, type Saga, SagaStep } from "./saga.ts";

/**
 * The next call of an order that is not terminal, and what has to be recorded before it is made: from then on the order
 * counts as charged, or sold, unless a neighbour says otherwise.
 */
export function nextCall(saga: Saga, expired: boolean): Decision {
  const cancelReason = saga.cancelReason ?? (expired && isBeforePaid(saga) ? CancelReason.Expired : undefined);
  const step = cancelReason === undefined ? saga.step : stepBack(saga);
  const attempts = step === saga.step ? saga.attempts + 1 : 1;
  const next: Saga = { ...saga, cancelReason, step, attempts };
  switch (step) {
    case SagaStep.Charge:
      // Whoever comes here again without an answer has to ask first.
      return call(
        { ...next, step: SagaStep.AskCharge, chargeStarted: true },
        { step, idempotencyKey: captureKey(saga.orderId) },
      );
    case SagaStep.AskCharge:
      return call(next, { step, idempotencyKey: captureKey(saga.orderId) });
    case SagaStep.CommitStock:
      return call({ ...next, commitStarted: true }, { step });
    case SagaStep.Refund:
      return call(next, { step, idempotencyKey: refundKey(saga.orderId), transactionId: transactionOf(saga) });
    case SagaStep.ReserveStock:
    case SagaStep.ReleaseStock:
      return call(next, { step });
    case SagaStep.None:
      throw new Error(`Cannot run order "${saga.orderId}": it has no step and is not terminal`);
    default:
      return step satisfies never;
  }
}

/** What an order that is to be cancelled does instead of its next step forward. */
function stepBack(saga: Saga): SagaStep {
  switch (saga.step) {
    case SagaStep.ReserveStock:
      // Also when the reservation was never sent, or nobody knows: the release refuses one that comes late.
      return SagaStep.ReleaseStock;
    case SagaStep.Charge:
      // A charge that was started is driven to a definite answer first, see `not_found` in decide.ts.
      return saga.chargeStarted ? SagaStep.Charge : SagaStep.ReleaseStock;
    case SagaStep.CommitStock:
      return saga.commitStarted ? SagaStep.CommitStock : SagaStep.Refund;
    default:
      return saga.step;
  }
}

function isBeforePaid({ state }: Saga): boolean {
  return state === OrderState.Pending || state === OrderState.StockReserved;
}

function call(saga: Saga, made: Call): Decision {
  return { saga, effects: [{ kind: "call", call: made }] };
}

function transactionOf({ orderId, transactionId }: Saga): string {
  if (transactionId === undefined) throw new Error(`Cannot refund order "${orderId}": no transaction is recorded`);
  return transactionId;
}
