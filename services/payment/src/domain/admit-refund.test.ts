import { describe, expect, test } from "vitest";
import { admitRefund } from "./admit-refund.ts";
import type { Refundable } from "./decide-refund.ts";
import { TransactionState } from "./transaction.ts";

const gbp = (minorUnits: bigint) => ({ currencyCode: "GBP", minorUnits });

function aCharge(part: Partial<Refundable> = {}): Refundable {
  return { amount: gbp(100n), state: TransactionState.Completed, refunded: 0n, reserved: 0n, ...part };
}

describe("admitRefund()", () => {
  test.each([
    ["all of it", aCharge(), undefined, { kind: "admitted", minorUnits: 100n }],
    ["a part", aCharge(), gbp(1n), { kind: "admitted", minorUnits: 1n }],
    ["all that is left", aCharge({ refunded: 30n, reserved: 20n }), undefined, { kind: "admitted", minorUnits: 50n }],
    ["more than is left", aCharge({ refunded: 30n, reserved: 20n }), gbp(51n), { kind: "exceeds", refundable: 50n }],
    ["what is being given back", aCharge({ reserved: 100n }), undefined, { kind: "exceeds", refundable: 0n }],
    ["another currency", aCharge(), { currencyCode: "EUR", minorUnits: 1n }, { kind: "currency_mismatch" }],
    ["of a pending charge", aCharge({ state: TransactionState.Pending }), undefined, { kind: "not_refundable" }],
    ["of a failed charge", aCharge({ state: TransactionState.Failed }), undefined, { kind: "not_refundable" }],
    ["once all is back", aCharge({ state: "REFUNDED", refunded: 100n }), gbp(1n), { kind: "not_refundable" }],
  ] as const)("%s", (_, charge, wanted, admission) => {
    expect(admitRefund(charge, wanted)).toEqual(admission);
  });
});
