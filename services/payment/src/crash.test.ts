import { Transaction_State as State } from "@holdfast/contracts/ecommerce/payment/v1/transaction";
import { createTestDatabase, type TestDatabase } from "@holdfast/testkit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { violations } from "./testing/check-books.fixture.ts";
import { aCharge, aRefund, eventually, HASTY, type PaymentClient, startPayment } from "./testing/payment.fixture.ts";
import { startProvider, type TestProvider } from "./testing/provider.fixture.ts";
import { startSilence } from "./testing/silence.fixture.ts";

// Each test starts three processes or more and waits for leases to end; a busy machine takes its time for it.
vi.setConfig({ testTimeout: 60_000 });

let stack: AsyncDisposableStack;
let database: TestDatabase;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  database = stack.use(await createTestDatabase());
});
afterEach(() => stack.disposeAsync());

const aProvider = async (env: Record<string, string> = {}) =>
  stack.use(await startProvider({ SLOW_MS: "300", ...env }));
const aPayment = async (provider: { url: string }, env: Record<string, string> = {}) =>
  stack.use(await startPayment({ DATABASE_URL: database.url, PROVIDER_URL: provider.url, ...HASTY, ...env }));

async function settled(client: PaymentClient, idempotencyKey: string) {
  const ask = () => client.getTransactionStatus({ idempotencyKey });
  const { transaction } = await eventually(ask, (answer) => answer.transaction?.state !== State.STATE_PENDING);
  return transaction;
}

const inProgress = (provider: TestProvider) =>
  eventually(
    () => provider.inProgress(),
    (count) => count > 0,
  );
const captured = (provider: TestProvider) =>
  eventually(
    () => provider.effects(),
    (effects) => effects.length > 0,
  );

describe.each([
  ["a provider that honours keys", {}],
  ["a provider that ignores keys", { PROVIDER_IGNORE_IDEMPOTENCY_KEYS: "true" }],
])("kill -9 of the payment service, with %s", (_, profile) => {
  test("after the intent and before the provider has heard of it: captured once, by the recovery", async () => {
    const provider = await aProvider({ ...profile, PROVIDER_MODE: "ok" });
    // Nobody answers there: the intent is recorded, and the request goes nowhere.
    await using nowhere = await startSilence();
    const first = await aPayment(nowhere);
    const request = aCharge();
    const call = first.client.charge(request).catch((error: unknown) => error);
    await nowhere.reached;
    await first.child.kill();
    await call;
    expect(await provider.effects()).toEqual([]);

    const second = await aPayment(provider);
    expect(await settled(second.client, request.idempotencyKey)).toMatchObject({ state: State.STATE_COMPLETED });
    expect(await provider.effects()).toHaveLength(1);
    expect(await violations(database.url, provider)).toEqual([]);
  });

  test("while the provider works on it: captured once, found by key", async () => {
    const provider = await aProvider({ ...profile, PROVIDER_MODE: "slow" });
    const first = await aPayment(provider);
    const request = aCharge();
    const call = first.client.charge(request).catch((error: unknown) => error);
    await inProgress(provider);
    await first.child.kill();
    await call;
    await provider.mode("ok");

    const second = await aPayment(provider);
    expect(await settled(second.client, request.idempotencyKey)).toMatchObject({ state: State.STATE_COMPLETED });
    expect(await provider.effects()).toHaveLength(1);
    expect(await violations(database.url, provider)).toEqual([]);
  });

  test("after the money has moved and before it is recorded: captured once, found by key", async () => {
    const provider = await aProvider({ ...profile, PROVIDER_MODE: "charge_then_drop" });
    const first = await aPayment(provider, { RECOVERY_POLL_MS: "60000" });
    const request = aCharge();
    const call = first.client.charge(request).catch((error: unknown) => error);
    await captured(provider);
    await first.child.kill();
    await call;
    await provider.mode("ok");

    const second = await aPayment(provider);
    expect(await settled(second.client, request.idempotencyKey)).toMatchObject({ state: State.STATE_COMPLETED });
    expect(await provider.effects()).toHaveLength(1);
    expect(await violations(database.url, provider)).toEqual([]);
  });

  test("while the provider works on a refund: given back once, and the repeat says OK", async () => {
    const provider = await aProvider(profile);
    const first = await aPayment(provider);
    const charge = aCharge();
    await first.client.charge(charge);
    const transaction = await settled(first.client, charge.idempotencyKey);
    const refund = aRefund(transaction?.id ?? "");
    await provider.mode("slow");
    const call = first.client.refund(refund).catch((error: unknown) => error);
    await inProgress(provider);
    await first.child.kill();
    await call;
    await provider.mode("ok");

    const second = await aPayment(provider);
    const again = () => second.client.refund(refund).catch(() => ({ transaction: undefined }));
    const answer = await eventually(again, (reply) => reply.transaction !== undefined);
    expect(answer).toMatchObject({ transaction: { state: State.STATE_REFUNDED } });
    expect((await provider.effects()).map(({ type }) => type)).toEqual(["capture", "refund"]);
    expect(await violations(database.url, provider)).toEqual([]);
  });
});

describe("several instances", () => {
  test("settle what was left open once, whoever takes it, while one after the other is killed", async () => {
    const provider = await aProvider({ PROVIDER_IGNORE_IDEMPOTENCY_KEYS: "true", PROVIDER_MODE: "slow" });
    const requests = Array.from({ length: 30 }, (_, i) =>
      aCharge({ paymentMethod: i % 3 === 0 ? "pm_card_unknown_outcome" : "pm_card_ok" }),
    );
    const [first, second, third] = [await aPayment(provider), await aPayment(provider), await aPayment(provider)];
    const clients = [first.client, second.client, third.client];
    const calls = requests.map(async (request, i) => clients[i % 3]?.charge(request).catch((error: unknown) => error));
    await inProgress(provider);
    await first.child.kill();
    await captured(provider);
    await second.child.kill();
    await Promise.all(calls);
    await provider.mode("ok");

    const last = await aPayment(provider);
    // As a durable caller does: the same call until it is answered. Some have never arrived.
    const completed = requests.map((request) =>
      eventually(
        () => last.client.charge(request).catch(() => ({ transaction: undefined })),
        ({ transaction }) => transaction?.state === State.STATE_COMPLETED,
      ),
    );
    for (const [i, { transaction }] of (await Promise.all(completed)).entries()) {
      expect(transaction?.orderId).toBe(requests[i]?.orderId);
    }
    expect(await provider.effects()).toHaveLength(requests.length);
    expect(await violations(database.url, provider)).toEqual([]);
  });
});

describe("a drain", () => {
  test("finishes the call under way, ends with 0, and leaves nothing open", async () => {
    const provider = await aProvider({ PROVIDER_MODE: "slow" });
    const patient = { PROVIDER_TIMEOUT_MS: "7000", PROVIDER_SETTLE_MS: "60000", LEASE_MS: "60000", DRAIN_MS: "10000" };
    const payment = await aPayment(provider, patient);
    const call = payment.client.charge(aCharge());
    await inProgress(provider);
    expect(await payment.child.stop()).toBe(0);
    expect(await call).toMatchObject({ transaction: { state: State.STATE_COMPLETED } });
    expect(await violations(database.url, provider)).toEqual([]);
  });

  test("gives leases back: another instance settles at once what this one had taken", async () => {
    const provider = await aProvider();
    const lease = { LEASE_MS: "60000", PROVIDER_SETTLE_MS: "1500" };
    await using silence = await startSilence();
    const first = await aPayment(silence, lease);
    const request = aCharge();
    expect(await first.client.charge(request)).toMatchObject({ transaction: { state: State.STATE_PENDING } });
    // The recovery has the lease now, and its question has no answer.
    await eventually(
      async () => silence.connections(),
      (count) => count > 1,
    );
    expect(await first.child.stop()).toBe(0);
    const second = await aPayment(provider, lease);
    expect(await settled(second.client, request.idempotencyKey)).toMatchObject({ state: State.STATE_COMPLETED });
    expect(await provider.effects()).toHaveLength(1);
  });
});
