import { Transaction_State as State } from "@holdfast/contracts/ecommerce/payment/v1/transaction";
import { Status } from "@holdfast/rpc";
import { createTestDatabase } from "@holdfast/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aCharge, aRefund, eventually, type PaymentClient, startPayment } from "../testing/payment.fixture.ts";
import { startProvider, type TestProvider } from "../testing/provider.fixture.ts";

const stack = new AsyncDisposableStack();
let provider: TestProvider;
let client: PaymentClient;

beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  provider = stack.use(await startProvider({ SLOW_MS: "2500" }));
  const payment = stack.use(await startPayment({ DATABASE_URL: database.url, PROVIDER_URL: provider.url }));
  client = payment.client;
});
afterAll(() => stack.disposeAsync());

const gbp = (minorUnits: bigint) => ({ currencyCode: "GBP", minorUnits });

/** The id of a completed charge of 12.50 GBP. */
async function aTransaction(): Promise<{ id: string; orderId: string }> {
  const { transaction } = await client.charge(aCharge());
  if (transaction === undefined) throw new Error("no transaction");
  return transaction;
}

async function refundsOf(orderId: string) {
  const effects = await provider.effects();
  return effects.filter((effect) => effect.type === "refund" && effect.order_id === orderId);
}

/** Does as a durable caller does: the same call until it is answered with OK, or with what no repeat changes. */
async function refundUntilOk(request: ReturnType<typeof aRefund>) {
  const isOver = (answer: unknown) =>
    ![Status.ABORTED, Status.UNAVAILABLE].includes((answer as { code?: number }).code ?? Status.OK);
  return eventually(() => client.refund(request).catch((error: unknown) => error), isOver);
}

function reasonsOf(results: readonly PromiseSettledResult<unknown>[]) {
  const errors = results.filter((result) => result.status === "rejected");
  return errors.map(({ reason }) => (reason as { reason: string }).reason);
}

describe("refund()", () => {
  test("gives all back when no amount is named, and tells the transaction", async () => {
    const { id, orderId } = await aTransaction();
    expect(await client.refund(aRefund(id, { reason: "order cancelled" }))).toMatchObject({
      transaction: { id, state: State.STATE_REFUNDED, refunded: gbp(1_250n), amount: gbp(1_250n) },
    });
    expect(await refundsOf(orderId)).toMatchObject([{ amount_minor: "1250", reason: "order cancelled" }]);
  });

  test("gives parts back until nothing is left", async () => {
    const { id } = await aTransaction();
    const part = (idempotencyKey: string, amount?: bigint) =>
      client.refund(aRefund(id, { idempotencyKey, amount: amount === undefined ? undefined : gbp(amount) }));
    expect(await part("1", 1_000n)).toMatchObject({ transaction: { state: State.STATE_COMPLETED } });
    await expect(part("2", 251n)).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      reason: "REFUND_EXCEEDS_CHARGE",
      metadata: { transaction_id: id, refundable_minor_units: "250" },
    });
    expect(await part("3")).toMatchObject({ transaction: { state: State.STATE_REFUNDED, refunded: gbp(1_250n) } });
    await expect(part("4")).rejects.toMatchObject({
      code: Status.FAILED_PRECONDITION,
      reason: "TRANSACTION_NOT_REFUNDABLE",
      metadata: { transaction_id: id, state: "REFUNDED" },
    });
  });

  test("answers a repeat with OK although nothing is left, and gives nothing back twice", async () => {
    const { id, orderId } = await aTransaction();
    const first = await client.refund(aRefund(id));
    expect(await client.refund(aRefund(id))).toEqual(first);
    expect(await refundsOf(orderId)).toHaveLength(1);
  });

  test("refuses a key that was used with another body", async () => {
    const { id } = await aTransaction();
    await client.refund(aRefund(id, { amount: gbp(1n) }));
    for (const other of [{ amount: gbp(2n) }, { amount: undefined }, { amount: gbp(1n), reason: "another" }]) {
      await expect(client.refund(aRefund(id, other))).rejects.toMatchObject({
        code: Status.INVALID_ARGUMENT,
        reason: "IDEMPOTENCY_KEY_REUSED",
      });
    }
  });

  test("refuses another currency, naming the field", async () => {
    const { id } = await aTransaction();
    const amount = { currencyCode: "EUR", minorUnits: 1n };
    await expect(client.refund(aRefund(id, { amount }))).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: "CURRENCY_MISMATCH",
      metadata: { currency_code: "EUR" },
      violations: [{ field: "amount.currency_code" }],
    });
  });

  test("finds no transaction that is not there", async () => {
    await expect(client.refund(aRefund("txn_0"))).rejects.toMatchObject({
      code: Status.NOT_FOUND,
      reason: "TRANSACTION_NOT_FOUND",
      metadata: { transaction_id: "txn_0" },
    });
  });

  test.each(["charge_then_drop", "error_500_after_charge", "drop_before_charge", "slow"])(
    "is UNAVAILABLE while the outcome is unknown (%s), then OK: the same call again, one refund",
    async (mode) => {
      const { id, orderId } = await aTransaction();
      await provider.mode(mode, 1);
      await expect(client.refund(aRefund(id))).rejects.toMatchObject({
        code: Status.UNAVAILABLE,
        reason: "DEPENDENCY_UNAVAILABLE",
        retryAfterMs: 500,
      });
      expect(await client.getTransactionStatus({ transactionId: id })).toMatchObject({
        transaction: { state: State.STATE_COMPLETED, refunded: gbp(0n) },
      });
      expect(await refundUntilOk(aRefund(id))).toMatchObject({ transaction: { state: State.STATE_REFUNDED } });
      expect(await refundsOf(orderId)).toHaveLength(1);
    },
  );

  test("counts a refund whose outcome is unknown as taken", async () => {
    const { id } = await aTransaction();
    await provider.mode("drop_before_charge", 1);
    await expect(client.refund(aRefund(id, { amount: gbp(1_000n) }))).rejects.toMatchObject({
      code: Status.UNAVAILABLE,
    });
    await expect(client.refund(aRefund(id, { idempotencyKey: "2", amount: gbp(251n) }))).rejects.toMatchObject({
      reason: "REFUND_EXCEEDS_CHARGE",
      metadata: { refundable_minor_units: "250" },
    });
    await refundUntilOk(aRefund(id, { amount: gbp(1_000n) }));
  });

  test("never gives back more than was taken, however many ask at once", async () => {
    const { id, orderId } = await aTransaction();
    const calls = Array.from({ length: 20 }, (_, i) =>
      client.refund(aRefund(id, { idempotencyKey: `part:${i}`, amount: gbp(100n) })),
    );
    const results = await Promise.allSettled(calls);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(12);
    expect(new Set(reasonsOf(results))).toEqual(new Set(["REFUND_EXCEEDS_CHARGE"]));
    expect(await refundsOf(orderId)).toHaveLength(12);
    expect(await client.getTransactionStatus({ transactionId: id })).toMatchObject({
      transaction: { refunded: gbp(1_200n) },
    });
  });

  test("gives back once for 20 calls at once with one key", async () => {
    const { id, orderId } = await aTransaction();
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => client.refund(aRefund(id))));
    expect(reasonsOf(results).filter((reason) => reason !== "IDEMPOTENCY_KEY_IN_USE")).toEqual([]);
    await refundUntilOk(aRefund(id));
    expect(await refundsOf(orderId)).toHaveLength(1);
  });
});
