import { createLogger } from "@holdfast/process";
import { describe, expect, test } from "vitest";
import { decide } from "../domain/saga/decide.ts";
import { type Saga, SagaStep } from "../domain/saga/saga.ts";
import { aSaga } from "../testing/a-saga.ts";
import { runOrder, type SagaOrders } from "./run-order.ts";

const claim = { orderId: "ord_1", fence: 1n };

/** Runs an order once whose stock does not answer. @returns What was logged, and the pause. */
async function runInVain(attempts: number): Promise<{ levels: string[]; pauses: number[] }> {
  let saga: Saga = aSaga({ attempts });
  const pauses: number[] = [];
  const orders: SagaOrders = {
    claim: async () => [claim],
    start: async () => {
      saga = decide(saga, { kind: "run", expired: false }).saga;
      return {
        call: { step: SagaStep.ReserveStock },
        attempts: saga.attempts,
        orderId: saga.orderId,
        customerId: "17850",
        total: { currencyCode: "GBP", minorUnits: 1n },
        paymentMethod: "pm_card_ok",
        items: [],
      };
    },
    record: async (_claim, answer, pauseMs) => {
      pauses.push(pauseMs(saga.attempts));
      return decide(saga, { kind: "answered", ...answer });
    },
    giveBack: async () => undefined,
  };
  const unknown = async () => ({ kind: "unknown", why: "UNAVAILABLE" }) as const;
  const lines: string[] = [];
  const never = new AbortController().signal;
  await runOrder(claim, {
    orders,
    stock: { reserve: unknown, commit: unknown, release: unknown },
    payments: { charge: unknown, ask: unknown, refund: unknown },
    log: createLogger({ service: "test", destination: { write: (line) => void lines.push(line) } }),
    stepTimeoutMs: 1_000,
    stopping: never,
    giveUp: never,
    now: () => 0,
    random: () => 0,
  });
  return { levels: lines.map((line) => JSON.parse(line).level), pauses };
}

describe("runOrder()", () => {
  test("pauses longer with every attempt, and calls somebody after the tenth", async () => {
    expect(await runInVain(0)).toEqual({ levels: [], pauses: [100] });
    expect(await runInVain(9)).toEqual({ levels: [], pauses: [1_500] });
    expect(await runInVain(10)).toEqual({ levels: ["error"], pauses: [1_500] });
    expect(await runInVain(99)).toEqual({ levels: ["error"], pauses: [1_500] });
  });
});
