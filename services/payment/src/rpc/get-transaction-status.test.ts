import { Transaction_State as State } from "@holdfast/contracts/ecommerce/payment/v1/transaction";
import { Status } from "@holdfast/rpc";
import { createTestDatabase } from "@holdfast/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aCharge, type PaymentClient, startPayment } from "../testing/payment.fixture.ts";
import { startProvider } from "../testing/provider.fixture.ts";

const stack = new AsyncDisposableStack();
let client: PaymentClient;

beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  const provider = stack.use(await startProvider());
  client = stack.use(await startPayment({ DATABASE_URL: database.url, PROVIDER_URL: provider.url })).client;
});
afterAll(() => stack.disposeAsync());

describe("getTransactionStatus()", () => {
  test("finds a transaction by its id, and by its key", async () => {
    const request = aCharge();
    const { transaction } = await client.charge(request);
    expect(transaction).toMatchObject({ state: State.STATE_COMPLETED });
    const transactionId = transaction?.id ?? "";
    expect(await client.getTransactionStatus({ transactionId })).toEqual({ transaction });
    expect(await client.getTransactionStatus({ idempotencyKey: request.idempotencyKey })).toEqual({ transaction });
  });

  test("wants to know whose key it is when several customers have used it", async () => {
    const mine = aCharge({ customerId: "customer-1" });
    const { idempotencyKey } = mine;
    await client.charge(mine);
    const { transaction } = await client.charge(aCharge({ customerId: "customer-2", idempotencyKey }));
    await expect(client.getTransactionStatus({ idempotencyKey })).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: "VALIDATION_FAILED",
      violations: [{ field: "customer_id" }],
    });
    expect(await client.getTransactionStatus({ idempotencyKey, customerId: "customer-2" })).toEqual({ transaction });
  });

  test.each([
    ["an unknown id", { transactionId: "txn_0" }, { transaction_id: "txn_0" }],
    ["an unknown key", { idempotencyKey: "nobody" }, { idempotency_key: "nobody" }],
  ])("does not find %s", async (_, lookup, metadata) => {
    await expect(client.getTransactionStatus(lookup)).rejects.toMatchObject({
      code: Status.NOT_FOUND,
      reason: "TRANSACTION_NOT_FOUND",
      metadata,
    });
  });

  test("does not find another customer's transaction, as if there were none", async () => {
    const { transaction } = await client.charge(aCharge());
    const transactionId = transaction?.id ?? "";
    await expect(client.getTransactionStatus({ transactionId, customerId: "customer-9" })).rejects.toMatchObject({
      reason: "TRANSACTION_NOT_FOUND",
    });
  });
});
