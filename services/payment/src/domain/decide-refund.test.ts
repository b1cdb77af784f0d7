import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { admitRefund } from "./admit-refund.ts";
import type { Answer } from "./answer.ts";
import { afterRefund, decideRefund, type Refundable, RefundState } from "./decide-refund.ts";
import { TransactionState } from "./transaction.ts";

const answers: Record<Answer["kind"], Answer> = {
  done: { kind: "done", effectIds: ["ref_1", "ref_2"] },
  refused: { kind: "refused", code: "refund_exceeds_capture" },
  none: { kind: "none" },
  unknown: { kind: "unknown", why: "timeout" },
};

describe("decideRefund()", () => {
  const pending = { state: RefundState.Pending, providerRefundId: null };

  test.each([
    ["done", true, { kind: "complete", providerRefundId: "ref_1", surplus: ["ref_2"] }],
    ["done", false, { kind: "complete", providerRefundId: "ref_1", surplus: ["ref_2"] }],
    ["refused", true, { kind: "fail" }],
    ["refused", false, { kind: "keep", surplus: [] }],
    ["none", true, { kind: "postpone" }],
    ["unknown", true, { kind: "postpone" }],
    ["unknown", false, { kind: "keep", surplus: [] }],
  ] as const)("on %s, holding the lease: %s", (kind, holdsLease, decision) => {
    expect(decideRefund(pending, answers[kind], { holdsLease })).toEqual(decision);
  });

  test.each([
    [RefundState.Completed, "ref_2", ["ref_1"]],
    [RefundState.Failed, null, ["ref_1", "ref_2"]],
  ])("never changes a refund that is %s, and tells what happened beside it", (state, providerRefundId, surplus) => {
    for (const answer of Object.values(answers)) {
      const decision = decideRefund({ state, providerRefundId }, answer, { holdsLease: true });
      expect(decision).toEqual({ kind: "keep", surplus: answer.kind === "done" ? surplus : [] });
    }
  });
});

describe("afterRefund()", () => {
  test("never gives back more than was captured, whatever is asked for and in whatever order it is confirmed", () => {
    const amounts = fc.array(fc.option(fc.bigInt({ min: 1n, max: 120n }), { nil: undefined }), { maxLength: 12 });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 100n }),
        amounts,
        fc.infiniteStream(fc.nat(3)),
        (captured, wanted, chance) => {
          let charge: Refundable = {
            amount: { currencyCode: "GBP", minorUnits: captured },
            state: TransactionState.Completed,
            refunded: 0n,
            reserved: 0n,
          };
          const open: bigint[] = [];
          const settleOne = (minorUnits: bigint | undefined) => {
            if (minorUnits !== undefined) charge = { ...charge, ...afterRefund(charge, minorUnits) };
          };
          for (const minorUnits of wanted) {
            const admission = admitRefund(
              charge,
              minorUnits === undefined ? undefined : { currencyCode: "GBP", minorUnits },
            );
            if (admission.kind === "admitted") {
              charge = { ...charge, reserved: charge.reserved + admission.minorUnits };
              open.push(admission.minorUnits);
            }
            if (chance.next().value === 0) settleOne(open.shift());
            expect(charge.refunded + charge.reserved).toBeLessThanOrEqual(captured);
          }
          while (open.length > 0) settleOne(open.pop());
          expect(charge.reserved).toBe(0n);
          expect(charge.state === TransactionState.Refunded).toBe(charge.refunded === captured);
        },
      ),
    );
  });

  test("refuses what was never reserved", () => {
    const charge = { amount: { currencyCode: "GBP", minorUnits: 5n }, refunded: 0n, reserved: 1n };
    expect(() => afterRefund({ ...charge, state: TransactionState.Completed }, 2n)).toThrow(RangeError);
  });
});
