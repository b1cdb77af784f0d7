import { describe, expect, test } from "vitest";
import type { Effect } from "./effect.ts";
import { MODES, type Mode } from "./mode.ts";
import { type CaptureRequest, planCapture } from "./plan-capture.ts";

const aRequest = (part: Partial<CaptureRequest> = {}): CaptureRequest => ({
  order_id: "ord_1",
  customer_id: "cus_1",
  amount_minor: "1099",
  currency_code: "GBP",
  payment_method: "pm_card_ok",
  ...part,
});
const anEffect = (part: Partial<CaptureRequest> = {}): Effect => ({
  type: "capture",
  seq: 1,
  time: "2026-01-01T00:00:00.000Z",
  id: "cap_1",
  idempotency_key: "k",
  ...aRequest(part),
});
const plan = (method: string, mode: Mode, earlier: readonly Effect[] = [], honoursKeys = true) =>
  planCapture(aRequest({ payment_method: method }), { mode, honoursKeys, earlier });

const charged = { type: "capture" };
const declined = { type: "decline", decline_code: "card_declined" };
const noMoney = { type: "decline", decline_code: "insufficient_funds" };

describe("planCapture()", () => {
  test.each([
    ["pm_card_ok", "ok", charged, false, "answer"],
    ["pm_card_ok", "decline", declined, false, "answer"],
    ["pm_card_ok", "slow", charged, true, "answer"],
    ["pm_card_ok", "charge_then_drop", charged, false, "drop"],
    ["pm_card_ok", "error_500_after_charge", charged, false, "error_500"],
    ["pm_card_declined", "ok", declined, false, "answer"],
    ["pm_card_declined", "slow", declined, true, "answer"],
    ["pm_card_declined", "charge_then_drop", declined, false, "drop"],
    ["pm_card_insufficient_funds", "ok", noMoney, false, "answer"],
    ["pm_card_insufficient_funds", "decline", noMoney, false, "answer"],
    ["pm_card_slow", "ok", charged, true, "answer"],
    ["pm_card_slow", "charge_then_drop", charged, true, "drop"],
    ["pm_card_unknown_outcome", "ok", charged, false, "drop"],
    ["pm_card_unknown_outcome", "error_500_after_charge", charged, false, "drop"],
  ] as const)("%s in mode %s", (method, mode, outcome, slow, delivery) => {
    expect(plan(method, mode)).toEqual({ kind: "perform", outcome, slow, delivery, usesMode: mode !== "ok" });
  });

  test.each(MODES)("refuses an unknown payment method in mode %s, without using the mode", (mode) => {
    expect(plan("4242424242424242", mode)).toEqual({
      kind: "refuse",
      status: 400,
      error: "unknown_payment_method",
      usesMode: false,
    });
  });

  test("drops before it looks at what the key did", () => {
    expect(plan("pm_card_ok", "drop_before_charge", [anEffect()])).toEqual({ kind: "drop", usesMode: true });
  });

  test.each(MODES.filter((mode) => mode !== "drop_before_charge"))("repeats the stored answer in mode %s", (mode) => {
    const effect = anEffect();
    expect(plan("pm_card_ok", mode, [effect])).toEqual({ kind: "replay", effect, usesMode: false });
  });

  test("repeats a decline", () => {
    const effect: Effect = {
      ...anEffect({ payment_method: "pm_card_declined" }),
      ...declined,
      type: "decline",
    } as Effect;
    expect(plan("pm_card_declined", "ok", [effect])).toMatchObject({ kind: "replay", effect });
  });

  test.each([
    { order_id: "ord_2" },
    { customer_id: "cus_2" },
    { amount_minor: "1100" },
    { currency_code: "EUR" },
    { payment_method: "pm_card_slow" },
  ])("refuses the key for another body: %o", (part) => {
    expect(plan("pm_card_ok", "ok", [anEffect(part)])).toMatchObject({ kind: "refuse", status: 422 });
  });

  test("refuses the key of a refund", () => {
    const { customer_id: _c, payment_method: _p, ...rest } = anEffect() as Extract<Effect, { type: "capture" }>;
    const refund: Effect = { ...rest, type: "refund", capture_id: "cap_0", reason: "" };
    expect(plan("pm_card_ok", "ok", [refund])).toMatchObject({ kind: "refuse", status: 422 });
  });

  test("charges again where keys are not honoured, and then answers an unknown outcome", () => {
    const earlier = [anEffect({ payment_method: "pm_card_unknown_outcome" })];
    expect(plan("pm_card_unknown_outcome", "ok", earlier, false)).toMatchObject({
      kind: "perform",
      delivery: "answer",
    });
  });
});
