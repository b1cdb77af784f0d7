import { decide, type SagaEvent } from "../domain/saga/decide.ts";
import { type Answer, type Saga, SagaStep } from "../domain/saga/saga.ts";
import { startSaga } from "../domain/saga/start-saga.ts";

const transactionId = "txn_1";
const unknown = { kind: "unknown", why: "UNAVAILABLE" } as const;
const chargeAnswers = [
  { kind: "completed", transactionId },
  { kind: "declined" },
  { kind: "refunded", transactionId },
  { kind: "pending" },
  { kind: "not_found" },
  { kind: "blocked", why: "ORDER_ALREADY_CHARGED" },
  unknown,
] as const;

const ANSWERS: readonly Answer[] = [
  ...([{ kind: "reserved" }, { kind: "refused" }, unknown] as const).map(
    (answer) => ({ step: SagaStep.ReserveStock, answer }) as const,
  ),
  ...chargeAnswers.map((answer) => ({ step: SagaStep.Charge, answer }) as const),
  ...chargeAnswers.map((answer) => ({ step: SagaStep.AskCharge, answer }) as const),
  ...([{ kind: "committed" }, { kind: "refused" }, unknown] as const).map(
    (answer) => ({ step: SagaStep.CommitStock, answer }) as const,
  ),
  ...([{ kind: "refunded" }, unknown] as const).map((answer) => ({ step: SagaStep.Refund, answer }) as const),
  ...([{ kind: "released" }, unknown] as const).map((answer) => ({ step: SagaStep.ReleaseStock, answer }) as const),
];

/** Everything that can be told to a saga. */
export const EVERY_EVENT: readonly SagaEvent[] = [
  { kind: "run", expired: false },
  { kind: "run", expired: true },
  { kind: "cancel_requested" },
  ...ANSWERS.map((answer) => ({ kind: "answered", ...answer }) as const),
];

/** Every saga that any sequence of events leads to; attempts apart, they are finitely many. */
export function reachableSagas(): readonly Saga[] {
  const found = new Map<string, Saga>();
  const add = (saga: Saga) => {
    const plain = { ...saga, attempts: 0 };
    const key = JSON.stringify(plain);
    if (found.has(key)) return;
    found.set(key, plain);
    for (const event of EVERY_EVENT) add(decide(plain, event).saga);
  };
  add(startSaga("ord_1"));
  return [...found.values()];
}
