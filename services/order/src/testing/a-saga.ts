import type { Saga } from "../domain/saga/saga.ts";
import { startSaga } from "../domain/saga/start-saga.ts";

/** A saga that has just begun, but for what the test is about. */
export function aSaga(change: Partial<Saga> = {}): Saga {
  return { ...startSaga("ord_1"), ...change };
}
