import { createLogger } from "@holdfast/process";
import { describe, expect, test } from "vitest";
import { OrderState } from "../domain/order.ts";
import { decide } from "../domain/saga/decide.ts";
import { type ChargeAnswer, type Saga, SagaStep } from "../domain/saga/saga.ts";
import { aSaga } from "../testing/a-saga.ts";
import { runOrder, type SagaOrders } from "./run-order.ts";

const claim = { orderId: "ord_1", fence: 1n };

/** Runs an order until it pauses; its stock does not answer. @returns What was logged, and the pause. */
async function run(before: Saga, charged: ChargeAnswer) {
  let saga = before;
  const pauses: number[] = [];
  const orders: SagaOrders = {
    claim: async () => [claim],
    start: async () => {
      const decision = decide(saga, { kind: "run", expired: false });
      saga = decision.saga;
      const [effect] = decision.effects;
      if (effect?.kind !== "call") return undefined;
      return {
        call: effect.call,
        attempts: saga.attempts,
        orderId: saga.orderId,
        customerId: "17850",
        total: { currencyCode: "GBP", minorUnits: 1n },
        paymentMethod: "pm_card_ok",
        items: [],
      };
    },
    record: async (_claim, answer, pauseMs) => {
      const decision = decide(saga, { kind: "answered", ...answer });
      saga = decision.saga;
      if (decision.effects.some(({ kind }) => kind === "pause")) pauses.push(pauseMs(saga.attempts));
      return decision;
    },
    giveBack: async () => undefined,
  };
  const unknown = async () => ({ kind: "unknown", why: "UNAVAILABLE" }) as const;
  const lines: string[] = [];
  const never = new AbortController().signal;
  await runOrder(claim, {
    orders,
    stock: { reserve: unknown, commit: unknown, release: unknown },
    payments: { charge: async () => charged, ask: async () => charged, refund: unknown },
    log: createLogger({ service: "test", destination: { write: (line) => void lines.push(line) } }),
    stepTimeoutMs: 1_000,
    stopping: never,
    giveUp: never,
    now: () => 0,
    random: () => 0,
  });
  return { lines: lines.map((line): Record<string, unknown> => JSON.parse(line)), pauses };
}

async function runInVain(attempts: number) {
  const { lines, pauses } = await run(aSaga({ attempts }), { kind: "unknown", why: "UNAVAILABLE" });
  return { levels: lines.map(({ level }) => level), pauses };
}

describe("runOrder()", () => {
  test("pauses longer with every attempt, and calls somebody after the tenth", async () => {
    expect(await runInVain(0)).toEqual({ levels: [], pauses: [100] });
    expect(await runInVain(9)).toEqual({ levels: [], pauses: [1_500] });
    expect(await runInVain(10)).toEqual({ levels: ["error"], pauses: [1_500] });
    expect(await runInVain(99)).toEqual({ levels: ["error"], pauses: [1_500] });
  });

  test("calls somebody at once when another charge has the order's key, and names both orders", async () => {
    const before = aSaga({ state: OrderState.StockReserved, step: SagaStep.AskCharge, chargeStarted: true });
    const other = { why: "KEY_TAKEN", transactionId: "txn_other", otherOrderId: "ord_other" } as const;
    const { lines } = await run(before, { kind: "blocked", ...other });
    expect(lines.filter(({ level }) => level === "error")).toMatchObject([{ orderId: "ord_1", ...other }]);
  });
});
