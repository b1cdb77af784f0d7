import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { happenings } from "../../testing/saga-happenings.ts";
import { type Decide, type Happening, SagaRun } from "../../testing/saga-run.ts";
import { CancelReason, OrderState, TRANSITIONS } from "../order.ts";
import { decide } from "./decide.ts";
import type { Decision, Effect } from "./decision.ts";
import { type Saga, SagaStep } from "./saga.ts";

const RUNS = 20_000;

describe("decide(), whatever happens", () => {
  test(`keeps money and stock right and comes to an end in ${RUNS} random lives, over every transition`, () => {
    const seen = new Set<string>();
    const result = live(decide, RUNS, seen);
    expect(fc.defaultReportMessage(result)).toBeUndefined();
    expect([...seen].sort()).toEqual([...EVERY_TRANSITION, ...EVERY_ANSWER].sort());
  }, 60_000);

  // The checker itself, checked: each mistake has to be found.
  test.each<[mistake: string, mutant: () => Decide, found: string]>([
    // Twice, or once by an order that is cancelled because of a charge under the old key.
    ["charges again under a new key", () => newKeyPerCharge(), "captured"],
    ["takes a timeout for a declined card", () => unknownIsDeclined, "CANCELLED with 1 captured"],
    ["releases while a charge is under way", () => releaseDuringCharge, "CANCELLED with 1 captured"],
    ["cancels when the charge is not found (yet)", () => notFoundIsNever, "CANCELLED with 1 captured"],
    ["forgets the refund", () => noRefund, "CANCELLED with 1 captured"],
    ["forgets the release", () => noRelease, "CANCELLED with 0 captured and the stock"],
    ["cancels after the commit has started", () => cancelAfterCommit, "does not end"],
    ["confirms before the commit has answered", () => hastyConfirm, "CONFIRMED with 1 captured and the stock"],
    ["moves a terminal order", () => unstableEnd, "was moved"],
    ["asks forever", () => endlessQuestion, "does not end"],
    // CONFIRMED with nothing, or CANCELLED with a refund to others.
    ["takes any charge under its key for its own", () => foreignIsOwn, "captured and the stock"],
    ["charges forever what can never be charged", () => blockedIsNotFound, "does not end"],
    ["gives up while the charge in its way may fail", () => elsewhereIsDefinite, "CANCELLED with 1 captured"],
  ])("would be found out if it %s", (_mistake, mutant, found) => {
    const { failed, errorInstance } = live(mutant(), RUNS);
    expect(failed).toBe(true);
    expect(String(errorInstance)).toContain(found);
  });
});

const EVERY_TRANSITION = Object.entries(TRANSITIONS).flatMap(([from, to]) => to.map((state) => `${from}>${state}`));
const EVERY_ANSWER = [
  ...["reserved", "refused", "unknown"].map((kind) => `reserve_stock/${kind}`),
  ...["completed", "declined", "blocked", "pending", "unknown"].map((kind) => `charge/${kind}`),
  ...["completed", "declined", "blocked", "pending", "unknown", "not_found"].map((kind) => `ask_charge/${kind}`),
  ...["committed", "refused", "unknown"].map((kind) => `commit_stock/${kind}`),
  ...["refunded", "unknown"].map((kind) => `refund/${kind}`),
  ...["released", "unknown"].map((kind) => `release_stock/${kind}`),
];

function live(candidate: Decide, numRuns: number, seen = new Set<string>()): fc.RunDetails<[Happening[]]> {
  const property = fc.property(happenings, (script) => {
    const life = new SagaRun(candidate);
    for (const happening of script) life.happen(happening);
    life.end();
    for (const it of life.seen) seen.add(it);
  });
  return fc.check(property, { numRuns, endOnFailure: true });
}

function newKeyPerCharge(): Decide {
  let tries = 0;
  const renamed = (effect: Effect): Effect =>
    effect.kind === "call" && effect.call.step === SagaStep.Charge
      ? { kind: "call", call: { ...effect.call, idempotencyKey: `ord_1:capture:${++tries}` } }
      : effect;
  return (saga, event) => {
    const decision = decide(saga, event);
    return { ...decision, effects: decision.effects.map(renamed) };
  };
}

const unknownIsDeclined: Decide = (saga, event) =>
  event.kind === "answered" && event.step === SagaStep.Charge && event.answer.kind === "unknown"
    ? decide(saga, { ...event, answer: { kind: "declined" } })
    : decide(saga, event);

const releaseDuringCharge: Decide = (saga, event) =>
  event.kind === "run" && saga.cancelReason !== undefined && saga.step === SagaStep.AskCharge
    ? decide({ ...saga, step: SagaStep.ReleaseStock }, event)
    : decide(saga, event);

const notFoundIsNever: Decide = (saga, event) =>
  event.kind === "answered" && event.answer.kind === "not_found" && saga.cancelReason !== undefined
    ? decide(saga, { kind: "answered", step: SagaStep.AskCharge, answer: { kind: "declined" } })
    : decide(saga, event);

const noRefund: Decide = (saga, event) =>
  event.kind === "run" && saga.cancelReason !== undefined && saga.step === SagaStep.CommitStock && !saga.commitStarted
    ? decide({ ...saga, step: SagaStep.ReleaseStock }, event)
    : decide(saga, event);

const noRelease: Decide = (saga, event) =>
  event.kind === "answered" && event.answer.kind === "refused" && saga.step === SagaStep.ReserveStock
    ? cancelled({ ...saga, cancelReason: CancelReason.OutOfStock })
    : decide(saga, event);

const cancelAfterCommit: Decide = (saga, event) =>
  event.kind !== "answered" && saga.state === OrderState.Paid
    ? decide({ ...saga, commitStarted: false }, event)
    : decide(saga, event);

const hastyConfirm: Decide = (saga, event) =>
  event.kind === "answered" && event.step === SagaStep.CommitStock && event.answer.kind === "unknown"
    ? decide(saga, { ...event, answer: { kind: "committed" } })
    : decide(saga, event);

const unstableEnd: Decide = (saga, event) =>
  event.kind === "cancel_requested" && saga.state === OrderState.Confirmed
    ? cancelled({ ...saga, cancelReason: CancelReason.CustomerRequest })
    : decide(saga, event);

const endlessQuestion: Decide = (saga, event) =>
  event.kind === "answered" && event.answer.kind === "not_found"
    ? { saga, effects: [{ kind: "pause" }] }
    : decide(saga, event);

const foreignIsOwn: Decide = (saga, event) =>
  event.kind === "answered" && event.answer.kind === "blocked"
    ? decide(saga, {
        kind: "answered",
        step: SagaStep.AskCharge,
        answer: { kind: "completed", transactionId: "txn_foreign" },
      })
    : decide(saga, event);

const blockedIsNotFound: Decide = (saga, event) =>
  event.kind === "answered" && event.answer.kind === "blocked"
    ? decide(saga, { kind: "answered", step: SagaStep.AskCharge, answer: { kind: "not_found" } })
    : decide(saga, event);

const elsewhereIsDefinite: Decide = (saga, event) =>
  event.kind === "answered" && event.answer.kind === "unknown" && event.answer.why === "ORDER_ALREADY_CHARGED"
    ? decide(saga, { kind: "answered", step: SagaStep.AskCharge, answer: { kind: "declined" } })
    : decide(saga, event);

function cancelled(saga: Saga): Decision {
  const state = OrderState.Cancelled;
  return { saga: { ...saga, state, step: SagaStep.None }, effects: [{ kind: "announce", state }] };
}
