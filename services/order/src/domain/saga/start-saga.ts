import { OrderState } from "../order.ts";
import { type Saga, SagaStep } from "./saga.ts";

/** The saga of an order that has just been accepted. */
export function startSaga(orderId: string): Saga {
  return {
    orderId,
    state: OrderState.Pending,
    cancelReason: undefined,
    step: SagaStep.ReserveStock,
    chargeStarted: false,
    commitStarted: false,
    transactionId: undefined,
    attempts: 0,
  };
}
