import { createTestDatabase } from "@holdfast/testkit";
import { expect, test } from "vitest";
import { violations } from "./check-books.fixture.ts";
import { aCharge, openBooks, soon, startPayment } from "./payment.fixture.ts";
import { startProvider } from "./provider.fixture.ts";

test("violations() finds money that the books do not know, books that are wrong, and what is left open", async () => {
  await using database = await createTestDatabase();
  await using provider = await startProvider();
  await using payment = await startPayment({ DATABASE_URL: database.url, PROVIDER_URL: provider.url });
  const charge = aCharge();
  await payment.client.charge(charge);
  expect(await violations(database.url, provider)).toEqual([]);

  // The same order once more, behind the service's back.
  const headers = { "content-type": "application/json", "idempotency-key": "nobody's" };
  const { customerId: customer_id, orderId: order_id, paymentMethod: payment_method } = charge;
  const body = { customer_id, order_id, payment_method, amount_minor: "1250", currency_code: "GBP" };
  await fetch(`${provider.url}/v1/captures`, { method: "POST", headers, body: JSON.stringify(body) });
  expect(await violations(database.url, provider)).toEqual([
    expect.stringMatching(/^cap_\w+ moved 1250, the ledger has undefined$/),
    `${order_id}: took 2500, books 1250`,
  ]);

  await using books = openBooks(database.url);
  await books.transaction(soon(), async (tx) => {
    const charges = tx.selectFrom("transactions").select("id");
    const { id } = await charges.executeTakeFirstOrThrow();
    const about = { transaction_id: id, refund_id: null, provider_effect_id: "cap_invented", currency_code: "GBP" };
    await tx
      .insertInto("ledger_entries")
      .values([
        { ...about, leg: 1, account: "customer", amount: -1n },
        { ...about, leg: 1, account: "merchant", amount: 1n },
      ])
      .execute();
  });
  expect(await violations(database.url, provider)).toContain("the ledger has cap_invented, the provider has not");

  await provider.mode("drop_before_charge");
  const { transaction } = await payment.client.charge(aCharge());
  expect(await violations(database.url, provider)).toContain(`${transaction?.id} is still pending`);
});
