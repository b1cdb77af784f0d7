import { Status } from "@holdfast/rpc";
import { createTestDatabase, type TestDatabase } from "@holdfast/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aCharge, eventually, type PaymentClient, startPayment, type TestPayment } from "../testing/payment.fixture.ts";
import { startProvider, type TestProvider } from "../testing/provider.fixture.ts";
import { Transaction_State as State } from "@holdfast/contracts/ecommerce/payment/v1/transaction";

const stack = new AsyncDisposableStack();
let database: TestDatabase;
let provider: TestProvider;
let payment: TestPayment;
let client: PaymentClient;

beforeAll(async () => {
  database = stack.use(await createTestDatabase());
  provider = stack.use(await startProvider({ SLOW_MS: "2500" }));
  payment = stack.use(await startPayment({ DATABASE_URL: database.url, PROVIDER_URL: provider.url }));
  client = payment.client;
});
afterAll(() => stack.disposeAsync());

/** The captures that the provider's own file shows for an order. */
async function capturesOf(orderId: string) {
  const effects = await provider.effects();
  return effects.filter((effect) => effect.type === "capture" && effect.order_id === orderId);
}

const statusOf = (idempotencyKey: string) => client.getTransactionStatus({ idempotencyKey });
const isSettled = ({ transaction }: { transaction?: { state: State } | undefined }) =>
  transaction?.state !== State.STATE_PENDING;

describe("charge()", () => {
  test("captures the amount, and tells the transaction", async () => {
    const request = aCharge();
    const { transaction } = await client.charge(request);
    expect(transaction).toMatchObject({
      state: State.STATE_COMPLETED,
      amount: { currencyCode: "GBP", minorUnits: 1_250n },
      refunded: { currencyCode: "GBP", minorUnits: 0n },
      customerId: request.customerId,
      orderId: request.orderId,
      declineCode: "",
    });
    expect(transaction?.id).toMatch(/^txn_[0-9a-f]{32}$/);
    expect(transaction?.createTime?.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
    expect(await capturesOf(request.orderId)).toMatchObject([
      { idempotency_key: transaction?.id, amount_minor: "1250", customer_id: request.customerId },
    ]);
  });

  test("gives the same transaction for the same key and body, without a second capture", async () => {
    const request = aCharge();
    const first = await client.charge(request);
    expect(await client.charge(request)).toEqual(first);
    expect(await capturesOf(request.orderId)).toHaveLength(1);
  });

  test("refuses a key that was used with another body, and charges nothing", async () => {
    const request = aCharge();
    await client.charge(request);
    const others = [
      { amount: { currencyCode: "GBP", minorUnits: 1_251n } },
      { amount: { currencyCode: "EUR", minorUnits: 1_250n } },
      { orderId: `${request.orderId}x` },
      { paymentMethod: "pm_card_slow" },
    ];
    for (const other of others) {
      await expect(client.charge({ ...request, ...other })).rejects.toMatchObject({
        code: Status.INVALID_ARGUMENT,
        reason: "IDEMPOTENCY_KEY_REUSED",
        metadata: { idempotency_key: request.idempotencyKey },
      });
    }
    expect(await capturesOf(request.orderId)).toHaveLength(1);
  });

  test("takes the same key of another customer for another key", async () => {
    const request = aCharge();
    const other = aCharge({ customerId: "customer-2", idempotencyKey: request.idempotencyKey });
    const [{ transaction: first }, { transaction: second }] = [
      await client.charge(request),
      await client.charge(other),
    ];
    expect(first?.id).not.toBe(second?.id);
  });

  test("charges an order once, whatever the key", async () => {
    const request = aCharge();
    await client.charge(request);
    await expect(client.charge({ ...request, idempotencyKey: "another" })).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      reason: "ORDER_ALREADY_CHARGED",
      metadata: { order_id: request.orderId, state: "COMPLETED" },
    });
  });

  test("says so when the other charge of the order may still fail", async () => {
    const request = aCharge({ paymentMethod: "pm_card_slow" });
    const first = client.charge(request);
    await eventually(
      () => Promise.allSettled([statusOf(request.idempotencyKey)]),
      ([found]) => found.status === "fulfilled",
    );
    await expect(client.charge({ ...request, idempotencyKey: "another" })).rejects.toMatchObject({
      reason: "ORDER_ALREADY_CHARGED",
      metadata: { order_id: request.orderId, state: "PENDING" },
    });
    await first;
  });

  test.each([
    ["pm_card_declined", "card_declined"],
    ["pm_card_insufficient_funds", "insufficient_funds"],
  ])("tells why %s is declined, on every repeat, and lets the order try again", async (paymentMethod, declineCode) => {
    const request = aCharge({ paymentMethod });
    const declined = { code: Status.FAILED_PRECONDITION, reason: "CARD_DECLINED" };
    await expect(client.charge(request)).rejects.toMatchObject(declined);
    await expect(client.charge(request)).rejects.toMatchObject({
      ...declined,
      metadata: { decline_code: declineCode, transaction_id: expect.stringMatching(/^txn_/) },
    });
    expect(await statusOf(request.idempotencyKey)).toMatchObject({
      transaction: { state: State.STATE_FAILED, declineCode },
    });
    const again = aCharge({ orderId: request.orderId });
    expect(await client.charge(again)).toMatchObject({ transaction: { state: State.STATE_COMPLETED } });
  });

  test("names the field of a payment method that the provider does not know, on every repeat", async () => {
    const request = aCharge({ paymentMethod: "pm_nobody_knows" });
    const refused = {
      code: Status.INVALID_ARGUMENT,
      reason: "UNKNOWN_PAYMENT_METHOD",
      metadata: {},
      violations: [{ field: "payment_method" }],
    };
    await expect(client.charge(request)).rejects.toMatchObject(refused);
    await expect(client.charge(request)).rejects.toMatchObject(refused);
    expect(payment.child.output()).not.toContain("pm_nobody_knows");
  });

  test("answers PENDING when the provider charges and drops the answer, and finds out by itself", async () => {
    const request = aCharge({ paymentMethod: "pm_card_unknown_outcome" });
    expect(await client.charge(request)).toMatchObject({ transaction: { state: State.STATE_PENDING } });
    expect(await eventually(() => statusOf(request.idempotencyKey), isSettled)).toMatchObject({
      transaction: { state: State.STATE_COMPLETED },
    });
    expect(await capturesOf(request.orderId)).toHaveLength(1);
  });

  test("answers PENDING when the provider is slower than its time, and finds out by itself", async () => {
    const request = aCharge({ paymentMethod: "pm_card_slow" });
    expect(await client.charge(request)).toMatchObject({ transaction: { state: State.STATE_PENDING } });
    expect(await eventually(() => statusOf(request.idempotencyKey), isSettled)).toMatchObject({
      transaction: { state: State.STATE_COMPLETED },
    });
    expect(await capturesOf(request.orderId)).toHaveLength(1);
  });

  test.each(["charge_then_drop", "error_500_after_charge", "drop_before_charge"])(
    "captures once in spite of a provider in mode %s",
    async (mode) => {
      await provider.mode(mode, 1);
      const request = aCharge();
      expect(await client.charge(request)).toMatchObject({ transaction: { state: State.STATE_PENDING } });
      expect(await eventually(() => statusOf(request.idempotencyKey), isSettled)).toMatchObject({
        transaction: { state: State.STATE_COMPLETED },
      });
      expect(await capturesOf(request.orderId)).toHaveLength(1);
    },
  );

  test("finds the outcome on a repeat, without waiting for the recovery", async () => {
    await using own = await createTestDatabase();
    await using idle = await startPayment({
      DATABASE_URL: own.url,
      PROVIDER_URL: provider.url,
      RECOVERY_POLL_MS: "60000",
    });
    const request = aCharge({ paymentMethod: "pm_card_unknown_outcome" });
    await idle.client.charge(request);
    expect(await eventually(() => idle.client.charge(request), isSettled)).toMatchObject({
      transaction: { state: State.STATE_COMPLETED },
    });
    expect(await capturesOf(request.orderId)).toHaveLength(1);
  });

  test("records the outcome although the caller has gone away", async () => {
    await using patient = await startPayment({
      DATABASE_URL: database.url,
      PROVIDER_URL: provider.url,
      PROVIDER_TIMEOUT_MS: "5000",
      PROVIDER_SETTLE_MS: "60000",
      LEASE_MS: "60000",
    });
    const request = aCharge({ paymentMethod: "pm_card_slow" });
    const leaves = new AbortController();
    const call = patient.client.charge(request, { signal: leaves.signal });
    await eventually(
      () => provider.inProgress(),
      (count) => count > 0,
    );
    leaves.abort();
    await expect(call).rejects.toMatchObject({ code: Status.CANCELLED });
    // The lease is still held: nobody but the abandoned call itself can have recorded it.
    expect(await eventually(() => statusOf(request.idempotencyKey), isSettled)).toMatchObject({
      transaction: { state: State.STATE_COMPLETED },
    });
    expect(await capturesOf(request.orderId)).toHaveLength(1);
  });

  test("answers within the caller's deadline, and converges later", async () => {
    const request = aCharge({ paymentMethod: "pm_card_slow" });
    const startedAt = Date.now();
    const answer = await client.charge(request, { deadline: startedAt + 1_000 });
    expect(Date.now() - startedAt).toBeLessThan(1_000);
    expect(answer).toMatchObject({ transaction: { state: State.STATE_PENDING } });
    await eventually(() => statusOf(request.idempotencyKey), isSettled);
    expect(await capturesOf(request.orderId)).toHaveLength(1);
  });

  test("makes one capture of 50 calls at once with one key: equal answers, or ABORTED with a time to come back", async () => {
    const request = aCharge();
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => client.charge(request)));
    const answers = results.filter((result) => result.status === "fulfilled").map(({ value }) => value);
    const errors = results.filter((result) => result.status === "rejected").map(({ reason }) => reason as unknown);
    expect(answers.length).toBeGreaterThan(0);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    for (const error of errors) {
      expect(error).toMatchObject({ code: Status.ABORTED, reason: "IDEMPOTENCY_KEY_IN_USE" });
      expect(error).toHaveProperty("retryAfterMs", expect.any(Number));
    }
    expect(await capturesOf(request.orderId)).toHaveLength(1);
    expect(await client.charge(request)).toEqual(answers[0]);
  });
});
