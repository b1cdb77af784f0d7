import { describe, expect, test } from "vitest";
import type { CaptureEffect, RefundEffect } from "./effect.ts";
import { MODES, type Mode } from "./mode.ts";
import { planRefund, type RefundRequest } from "./plan-refund.ts";

const common = { seq: 1, time: "2026-01-01T00:00:00.000Z", order_id: "ord_1", currency_code: "GBP" };
const capture: CaptureEffect = {
  ...common,
  type: "capture",
  id: "cap_1",
  idempotency_key: "k",
  amount_minor: "1000",
  customer_id: "cus_1",
  payment_method: "pm_card_ok",
};
const refundOf = (amount_minor: string, idempotency_key = "r"): RefundEffect => ({
  ...common,
  type: "refund",
  id: "ref_1",
  idempotency_key,
  amount_minor,
  capture_id: "cap_1",
  reason: "",
});
const aRequest = (amount_minor: string): RefundRequest => ({ capture_id: "cap_1", amount_minor, reason: "" });
const fresh = { mode: "ok" as Mode, honoursKeys: true, earlier: [] };

describe("planRefund()", () => {
  test.each([
    ["ok", false, "answer", false],
    ["decline", false, "answer", false],
    ["slow", true, "answer", true],
    ["charge_then_drop", false, "drop", true],
    ["error_500_after_charge", false, "error_500", true],
  ] as const)("in mode %s", (mode, slow, delivery, usesMode) => {
    expect(planRefund(aRequest("1"), { ...fresh, mode, refundable: { capture, refunds: [] } })).toEqual({
      kind: "perform",
      outcome: capture,
      slow,
      delivery,
      usesMode,
    });
  });

  test.each([
    ["1000", [], true],
    ["1001", [], false],
    ["400", ["600"], true],
    ["401", ["600"], false],
    ["1", ["600", "400"], false],
    ["999999999999999999", [], false],
  ] as const)("%s after refunds of %o of 1000: possible is %s", (amount, before, possible) => {
    const refundable = { capture, refunds: before.map((b) => refundOf(b)) };
    const plan = planRefund(aRequest(amount), { ...fresh, refundable });
    const refused = { kind: "refuse", status: 409, error: "refund_exceeds_capture" };
    expect(plan).toMatchObject(possible ? { kind: "perform" } : refused);
  });

  test("refuses a refund of what was never there, or declined", () => {
    const missing = { capture: undefined, refunds: [] };
    const declined = { capture: { ...capture, type: "decline" as const, decline_code: "x" }, refunds: [] };
    expect(planRefund(aRequest("1"), { ...fresh, refundable: missing })).toMatchObject({ status: 404 });
    expect(planRefund(aRequest("1"), { ...fresh, refundable: declined })).toMatchObject({ status: 409 });
  });

  test.each(MODES.filter((mode) => mode !== "drop_before_charge"))(
    "repeats the stored answer in mode %s, also when nothing is left to refund",
    (mode) => {
      const effect = refundOf("1000");
      const plan = planRefund(aRequest("1000"), {
        ...fresh,
        mode,
        earlier: [effect],
        refundable: { capture, refunds: [effect] },
      });
      expect(plan).toEqual({ kind: "replay", effect, usesMode: false });
    },
  );

  test("refuses the key for another body, or of a capture", () => {
    const refundable = { capture, refunds: [] };
    expect(planRefund(aRequest("1"), { ...fresh, earlier: [refundOf("2")], refundable })).toMatchObject({
      status: 422,
    });
    expect(planRefund(aRequest("1"), { ...fresh, earlier: [capture], refundable })).toMatchObject({ status: 422 });
  });
});
