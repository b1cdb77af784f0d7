import { describe, expect, test } from "vitest";
import { aSaga } from "../../testing/a-saga.ts";
import { EVERY_EVENT, reachableSagas } from "../../testing/reachable-sagas.ts";
import { CancelReason, isTerminal, OrderState, TRANSITIONS } from "../order.ts";
import { decide, type SagaEvent } from "./decide.ts";
import { type Call, type Saga, SagaStep } from "./saga.ts";

const run: SagaEvent = { kind: "run", expired: false };
const timeOver: SagaEvent = { kind: "run", expired: true };
const cancel: SagaEvent = { kind: "cancel_requested" };
const customerRequest = { cancelReason: CancelReason.CustomerRequest };

const stockReserved = aSaga({ state: OrderState.StockReserved, step: SagaStep.Charge });
const chargeSent = aSaga({ state: OrderState.StockReserved, step: SagaStep.AskCharge, chargeStarted: true });
const paid = aSaga({
  state: OrderState.Paid,
  step: SagaStep.CommitStock,
  chargeStarted: true,
  transactionId: "txn_1",
});
const commitSent: Saga = { ...paid, commitStarted: true };

const capture = { idempotencyKey: "ord_1:capture:1" };
const refund = { step: SagaStep.Refund, idempotencyKey: "ord_1:refund:1", transactionId: "txn_1" } as const;

describe("decide(run)", () => {
  test.each<[name: string, saga: Saga, event: SagaEvent, call: Call]>([
    ["reserves for a new order", aSaga(), run, { step: SagaStep.ReserveStock }],
    ["charges once the stock is kept", stockReserved, run, { step: SagaStep.Charge, ...capture }],
    ["asks before it charges again", chargeSent, run, { step: SagaStep.AskCharge, ...capture }],
    ["commits what is paid", paid, run, { step: SagaStep.CommitStock }],
    ["commits again until it is answered", commitSent, run, { step: SagaStep.CommitStock }],
    ["releases what may never have been reserved", aSaga(customerRequest), run, { step: SagaStep.ReleaseStock }],
    ["releases, no charge sent", { ...stockReserved, ...customerRequest }, run, { step: SagaStep.ReleaseStock }],
    ["asks, a charge sent", { ...chargeSent, ...customerRequest }, run, { step: SagaStep.AskCharge, ...capture }],
    [
      "charges again what was not found, also to cancel it",
      { ...stockReserved, chargeStarted: true, ...customerRequest },
      run,
      { step: SagaStep.Charge, ...capture },
    ],
    ["refunds what is paid", { ...paid, ...customerRequest }, run, refund],
    ["cancels a new order whose time is over", aSaga(), timeOver, { step: SagaStep.ReleaseStock }],
    ["does not expire what is paid", paid, timeOver, { step: SagaStep.CommitStock }],
  ])("%s", (_name, saga, event, call) => {
    expect(decide(saga, event).effects).toEqual([{ kind: "call", call }]);
  });

  test("records a charge as started before it is made", () => {
    expect(decide(stockReserved, run).saga).toEqual({ ...chargeSent, attempts: 1 });
  });

  test("records a commit as started before it is made", () => {
    expect(decide(paid, run).saga).toEqual({ ...commitSent, attempts: 1 });
  });

  test("records why when the time is over", () => {
    expect(decide(stockReserved, timeOver).saga.cancelReason).toBe(CancelReason.Expired);
  });

  test("counts attempts until there is progress", () => {
    const asked = decide(decide(chargeSent, run).saga, run).saga;
    expect(asked.attempts).toBe(2);
    const notFound = decide(asked, { kind: "answered", step: SagaStep.AskCharge, answer: { kind: "not_found" } }).saga;
    expect(notFound.attempts).toBe(2);
    const completed = { kind: "completed", transactionId: "txn_1" } as const;
    expect(decide(asked, { kind: "answered", step: SagaStep.AskCharge, answer: completed }).saga.attempts).toBe(0);
  });
});

describe("decide(cancel_requested)", () => {
  test.each([
    ["an order without a charge", stockReserved, CancelReason.CustomerRequest],
    ["a charge under way", chargeSent, CancelReason.CustomerRequest],
    ["a paid order", paid, CancelReason.CustomerRequest],
    ["an order that is being cancelled: its reason stays", aSaga({ cancelReason: "EXPIRED" }), CancelReason.Expired],
    ["an order whose sale has started: refused", commitSent, undefined],
  ])("cancels %s", (_name, saga, reason) => {
    expect(decide(saga, cancel).saga.cancelReason).toBe(reason);
  });
});

describe("decide(answered)", () => {
  test("cancels what is out of stock only after a release", () => {
    const refused = decide(aSaga(), { kind: "answered", step: SagaStep.ReserveStock, answer: { kind: "refused" } });
    expect(refused.saga).toMatchObject({ state: "PENDING", cancelReason: "OUT_OF_STOCK", step: "release_stock" });
  });

  test("gives the money back when the sale is refused for good", () => {
    const refused = decide(commitSent, { kind: "answered", step: SagaStep.CommitStock, answer: { kind: "refused" } });
    expect(refused.saga).toMatchObject({ state: "PAID", cancelReason: "OUT_OF_STOCK", step: "refund" });
  });

  test("cancels an order whose charge somebody else has refunded", () => {
    const answer = { kind: "refunded", transactionId: "txn_1" } as const;
    const { saga } = decide(chargeSent, { kind: "answered", step: SagaStep.AskCharge, answer });
    expect(saga).toMatchObject({ state: "STOCK_RESERVED", cancelReason: "PAYMENT_DECLINED", step: "release_stock" });
  });

  test.each([SagaStep.Charge, SagaStep.AskCharge])("releases, and refunds nothing, when %s is blocked", (step) => {
    const answer = { kind: "blocked", why: "ORDER_ALREADY_CHARGED" } as const;
    const { saga } = decide(chargeSent, { kind: "answered", step, answer });
    expect(saga).toMatchObject({ state: "STOCK_RESERVED", cancelReason: "PAYMENT_DECLINED", step: "release_stock" });
    expect(saga.transactionId).toBeUndefined();
  });

  test.each(["pending", "unknown"] as const)("never takes %s for a failure", (kind) => {
    const answer = kind === "unknown" ? { kind, why: "DEADLINE_EXCEEDED" } : { kind };
    const { saga, effects } = decide(chargeSent, { kind: "answered", step: SagaStep.Charge, answer });
    expect(saga).toEqual(chargeSent);
    expect(effects).toEqual([{ kind: "pause" }]);
  });
});

describe("decide(), for every saga that can be", () => {
  const cases = reachableSagas().flatMap((saga) => EVERY_EVENT.map((event) => ({ saga, event })));

  test("changes the state only as the table allows, and announces it", () => {
    for (const { saga, event } of cases) {
      const decision = decide(saga, event);
      const announced = decision.effects.flatMap((it) => (it.kind === "announce" ? [it.state] : []));
      const moved = decision.saga.state !== saga.state;
      expect(announced).toEqual(moved ? [decision.saga.state] : []);
      const allowed = [saga.state, ...TRANSITIONS[saga.state]];
      expect(allowed, `${JSON.stringify(saga)} ${JSON.stringify(event)}`).toContain(decision.saga.state);
    }
    expect(cases.length).toBeGreaterThan(500);
  });

  test("does nothing to a terminal order", () => {
    const terminal = cases.filter(({ saga }) => isTerminal(saga.state));
    expect(terminal.length).toBeGreaterThan(100);
    for (const { saga, event } of terminal) expect(decide(saga, event)).toEqual({ saga, effects: [] });
  });

  test("forgets no cancellation, no charge, no commit and no transaction", () => {
    for (const { saga, event } of cases) {
      const { cancelReason, transactionId, chargeStarted, commitStarted } = saga;
      const remembered = {
        ...(cancelReason && { cancelReason }),
        ...(transactionId && { transactionId }),
        ...(chargeStarted && { chargeStarted }),
        ...(commitStarted && { commitStarted }),
      };
      expect(decide(saga, event).saga).toMatchObject(remembered);
    }
  });

  test("confirms nothing but an order that is paid, committed and not to be cancelled", () => {
    const confirmed = reachableSagas().filter(({ state }) => state === OrderState.Confirmed);
    expect(confirmed).toHaveLength(1);
    expect(confirmed[0]).toMatchObject({ chargeStarted: true, commitStarted: true, transactionId: "txn_1" });
    expect(confirmed[0]?.cancelReason).toBeUndefined();
  });
});
