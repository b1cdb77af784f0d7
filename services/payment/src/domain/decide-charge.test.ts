import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Answer } from "./answer.ts";
import { decideCharge } from "./decide-charge.ts";
import { type Transaction, TransactionState } from "./transaction.ts";

type Charge = Pick<Transaction, "state" | "captureId">;
const states = Object.values(TransactionState);

/** Any charge that the constraints of the table allow. */
const aCharge: fc.Arbitrary<Charge> = fc.constantFrom(...states).map((state) => {
  const captured = state === TransactionState.Completed || state === TransactionState.Refunded;
  return { state, captureId: captured ? "cap_1" : undefined };
});
const anAnswer: fc.Arbitrary<Answer> = fc.oneof(
  fc
    .uniqueArray(fc.constantFrom("cap_1", "cap_2", "cap_3"), { minLength: 1 })
    .map(([first = "cap_1", ...rest]): Answer => ({ kind: "done", effectIds: [first, ...rest] })),
  fc.constant<Answer>({ kind: "refused", code: "card_declined" }),
  fc.constant<Answer>({ kind: "none" }),
  fc.constant<Answer>({ kind: "unknown", why: "timeout" }),
);

function apply(charge: Charge, answer: Answer, holdsLease: boolean): Charge & { surplus: readonly string[] } {
  const decision = decideCharge(charge, answer, { holdsLease });
  switch (decision.kind) {
    case "complete":
      return { state: TransactionState.Completed, captureId: decision.captureId, surplus: decision.surplus };
    case "fail":
      return { state: TransactionState.Failed, captureId: undefined, surplus: [] };
    case "postpone":
      return { ...charge, surplus: [] };
    case "keep":
      return { ...charge, surplus: decision.surplus };
    default:
      return decision satisfies never;
  }
}

describe("decideCharge()", () => {
  test("never changes a charge that is not pending", () => {
    fc.assert(
      fc.property(aCharge, anAnswer, fc.boolean(), (charge, answer, holdsLease) => {
        fc.pre(charge.state !== TransactionState.Pending);
        expect(apply(charge, answer, holdsLease)).toMatchObject(charge);
      }),
    );
  });

  test("takes one capture for the charge's own, and every other one for surplus, in any order of answers", () => {
    const steps = fc.array(fc.tuple(anAnswer, fc.boolean()), { maxLength: 8 });
    fc.assert(
      fc.property(steps, (answers) => {
        let charge: Charge = { state: TransactionState.Pending, captureId: undefined };
        const surplus = new Set<string>();
        const reported = new Set<string>();
        for (const [answer, holdsLease] of answers) {
          if (answer.kind === "done") for (const id of answer.effectIds) reported.add(id);
          const next = apply(charge, answer, holdsLease);
          for (const id of next.surplus) surplus.add(id);
          charge = { state: next.state, captureId: next.captureId };
        }
        const own = charge.captureId === undefined ? [] : [charge.captureId];
        // Money that was taken is accounted for, and accounted for once.
        expect(new Set([...own, ...surplus])).toEqual(reported);
        expect(own.filter((id) => surplus.has(id))).toEqual([]);
      }),
    );
  });

  test("takes an unknown outcome for neither a capture nor a failure", () => {
    const pending = { state: TransactionState.Pending, captureId: undefined };
    const unknown: Answer = { kind: "unknown", why: "timeout" };
    expect(decideCharge(pending, unknown, { holdsLease: true })).toEqual({ kind: "postpone" });
  });

  test("listens to a refusal only from the holder of the lease", () => {
    const pending = { state: TransactionState.Pending, captureId: undefined };
    const refused: Answer = { kind: "refused", code: "card_declined" };
    expect(decideCharge(pending, refused, { holdsLease: false })).toEqual({ kind: "keep", surplus: [] });
    expect(decideCharge(pending, refused, { holdsLease: true })).toEqual({
      kind: "fail",
      declineCode: "card_declined",
    });
  });
});
