import { Transaction, Transaction_State } from "@holdfast/contracts/ecommerce/payment/v1/transaction";
import { RemoteError, Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { aScope } from "../testing/builders.ts";
import { paymentsOverGrpc } from "./payments-over-grpc.ts";

type State = keyof typeof Transaction_State;
type Result = RemoteError | State | Transaction;

/** The payments of a service that gives every call the same answer. */
function paymentsThatAnswer(result: Result) {
  const call = async () => {
    if (result instanceof RemoteError) throw result;
    return { transaction: typeof result === "string" ? aTransaction({}, result) : result };
  };
  return paymentsOverGrpc({ charge: call, refund: call, getTransactionStatus: call });
}

/** The order's own, but for what the test is about. */
function aTransaction(change: Partial<Transaction>, state: State = "STATE_COMPLETED"): Transaction {
  const own = { id: "txn_1", state: Transaction_State[state], orderId: "ord_1", customerId: "17850" };
  return Transaction.fromPartial({ ...own, amount: { currencyCode: "GBP", minorUnits: 1n }, ...change });
}

const failed = (code: Status, reason = "", metadata: Record<string, string> = {}) =>
  new RemoteError(code, "text that nobody reads", { reason, metadata });
const alreadyCharged = (metadata: Record<string, string>) =>
  failed(Status.FAILED_PRECONDITION, "ORDER_ALREADY_CHARGED", metadata);
const transactionId = "txn_1";
const unknown = (why: string) => ({ kind: "unknown", why });

const aCharge = {
  orderId: "ord_1",
  customerId: "17850",
  total: { currencyCode: "GBP", minorUnits: 1n },
  paymentMethod: "pm_card_ok",
  idempotencyKey: "ord_1:capture:1",
};

describe("paymentsOverGrpc()", () => {
  test.each<[Result, object]>([
    ["STATE_COMPLETED", { kind: "completed", transactionId }],
    ["STATE_PENDING", { kind: "pending" }],
    ["STATE_FAILED", { kind: "declined" }],
    ["STATE_REFUNDED", { kind: "refunded", transactionId }],
    ["STATE_UNSPECIFIED", unknown("UNKNOWN_TRANSACTION_STATE")],
    [failed(Status.FAILED_PRECONDITION, "CARD_DECLINED"), { kind: "declined" }],
    [failed(Status.INVALID_ARGUMENT, "UNKNOWN_PAYMENT_METHOD"), { kind: "declined" }],
    [failed(Status.ABORTED, "IDEMPOTENCY_KEY_IN_USE"), unknown("IDEMPOTENCY_KEY_IN_USE")],
    [failed(Status.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED"), unknown("IDEMPOTENCY_KEY_REUSED")],
    [alreadyCharged({ state: "COMPLETED" }), { kind: "blocked", why: "ORDER_ALREADY_CHARGED" }],
    [alreadyCharged({ state: "REFUNDED" }), { kind: "blocked", why: "ORDER_ALREADY_CHARGED" }],
    // The charge in the way may fail yet, and one of ours that is still under way capture then.
    [alreadyCharged({ state: "PENDING" }), unknown("ORDER_ALREADY_CHARGED")],
    [alreadyCharged({}), unknown("ORDER_ALREADY_CHARGED")],
    [failed(Status.INTERNAL, "INTERNAL"), unknown("INTERNAL")],
    [failed(Status.UNAVAILABLE), unknown("UNAVAILABLE")],
    [failed(Status.DEADLINE_EXCEEDED), unknown("DEADLINE_EXCEEDED")],
    [failed(Status.CANCELLED), unknown("CANCELLED")],
    [failed(Status.UNKNOWN), unknown("UNKNOWN")],
  ])("takes a charge that ends with %j for %j", async (result, answer) => {
    expect(await paymentsThatAnswer(result).charge(aCharge, aScope())).toEqual(answer);
  });

  test.each<[Result, object]>([
    ["STATE_COMPLETED", { kind: "completed", transactionId }],
    ["STATE_FAILED", { kind: "declined" }],
    [failed(Status.NOT_FOUND, "TRANSACTION_NOT_FOUND"), { kind: "not_found" }],
    // From a proxy, not from the service: it says nothing about the charge.
    [failed(Status.NOT_FOUND), unknown("NOT_FOUND")],
    [failed(Status.UNAVAILABLE, "DRAINING"), unknown("DRAINING")],
  ])("takes a question that ends with %j for %j", async (result, answer) => {
    expect(await paymentsThatAnswer(result).ask(aCharge, aScope())).toEqual(answer);
  });

  const keyTaken = (otherOrderId: string) => ({ kind: "blocked", why: "KEY_TAKEN", transactionId, otherOrderId });

  test.each<[what: string, Transaction, object]>([
    ["of another order", aTransaction({ orderId: "ord_2" }), keyTaken("ord_2")],
    ["of another amount", aTransaction({ amount: { currencyCode: "GBP", minorUnits: 2n } }), keyTaken("ord_1")],
    ["in another currency", aTransaction({ amount: { currencyCode: "JPY", minorUnits: 1n } }), keyTaken("ord_1")],
    ["of another order, open", aTransaction({ orderId: "ord_2" }, "STATE_PENDING"), keyTaken("ord_2")],
    ["of another order, declined", aTransaction({ orderId: "ord_2" }, "STATE_FAILED"), keyTaken("ord_2")],
    // Keys count per customer: this one says nothing about ours.
    ["of another customer", aTransaction({ customerId: "12583" }), unknown("NOT_THE_CHARGE_ASKED_FOR")],
    ["that does not say what was charged", aTransaction({ amount: undefined }), unknown("NOT_THE_CHARGE_ASKED_FOR")],
    ["that does not say for which order", aTransaction({ orderId: "" }), unknown("NOT_THE_CHARGE_ASKED_FOR")],
  ])("does not take a charge %s for the order's", async (_what, transaction, answer) => {
    expect(await paymentsThatAnswer(transaction).ask(aCharge, aScope())).toEqual(answer);
    expect(await paymentsThatAnswer(transaction).charge(aCharge, aScope())).toEqual(answer);
  });

  test.each<[Result, object]>([
    ["STATE_REFUNDED", { kind: "refunded" }],
    ["STATE_COMPLETED", unknown("REFUND_PENDING")],
    [failed(Status.FAILED_PRECONDITION, "TRANSACTION_NOT_REFUNDABLE", { state: "REFUNDED" }), { kind: "refunded" }],
    [
      failed(Status.FAILED_PRECONDITION, "TRANSACTION_NOT_REFUNDABLE", { state: "PENDING" }),
      unknown("TRANSACTION_NOT_REFUNDABLE"),
    ],
    [failed(Status.FAILED_PRECONDITION, "REFUND_EXCEEDS_CHARGE"), unknown("REFUND_EXCEEDS_CHARGE")],
    [failed(Status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"), unknown("DEPENDENCY_UNAVAILABLE")],
  ])("takes a refund that ends with %j for %j", async (result, answer) => {
    const refund = { transactionId, idempotencyKey: "ord_1:refund:1" };
    expect(await paymentsThatAnswer(result).refund(refund, aScope())).toEqual(answer);
  });

  test("lets a defect of ours pass", async () => {
    const broken = async () => {
      throw new TypeError("a defect");
    };
    const payments = paymentsOverGrpc({ charge: broken, refund: broken, getTransactionStatus: broken });
    await expect(payments.charge(aCharge, aScope())).rejects.toThrow(TypeError);
  });
});
