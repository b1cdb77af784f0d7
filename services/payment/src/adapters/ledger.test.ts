import { migrate, sql } from "@holdfast/storage";
import { createTestDatabase } from "@holdfast/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBooks, soon } from "../testing/payment.fixture.ts";
import type { LedgerEntryTable, Tx } from "./tables.ts";

const stack = new AsyncDisposableStack();
let books: ReturnType<typeof openBooks>;
const inBooks = <T>(work: (tx: Tx) => Promise<T>) => books.transaction(soon(), work);

beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  await migrate(database.url, new URL("../migrations/", import.meta.url));
  books = stack.use(openBooks(database.url));
  await inBooks((tx) =>
    tx
      .insertInto("transactions")
      .values(aRow({ id: "txn_1", order_id: "ord_1" }))
      .execute(),
  );
});
afterAll(() => stack.disposeAsync());

/** A completed charge of 100, as a row. */
function aRow(part: { id: string; order_id: string }) {
  return {
    customer_id: "customer-1",
    idempotency_key: part.id,
    request_hash: "",
    amount: 100n,
    currency_code: "GBP",
    payment_method: "pm_card_ok",
    state: "COMPLETED" as const,
    decline_code: null,
    provider_capture_id: `cap_${part.id}`,
    lease_until: null,
    next_run_at: null,
    ...part,
  };
}

type Line = Pick<LedgerEntryTable, "leg" | "account" | "amount"> & Partial<Pick<LedgerEntryTable, "currency_code">>;

function write(effectId: string, lines: readonly Line[]) {
  const about = { transaction_id: "txn_1", refund_id: null, provider_effect_id: effectId, currency_code: "GBP" };
  return inBooks((tx) =>
    tx
      .insertInto("ledger_entries")
      .values(lines.map((line) => ({ ...about, ...line })))
      .execute(),
  );
}

const balanced: readonly Line[] = [
  { leg: 1, account: "customer", amount: -100n },
  { leg: 1, account: "clearing", amount: 100n },
];

describe("the ledger", () => {
  test.each<[string, readonly Line[], string]>([
    ["one line", balanced.slice(1), "ledger_entries_balanced"],
    ["lines that do not add up", [...balanced, { leg: 2, account: "merchant", amount: 1n }], "ledger_entries_balanced"],
    [
      "two currencies, although the numbers add up",
      [balanced[0] as Line, { leg: 1, account: "clearing", amount: 100n, currency_code: "EUR" }],
      "ledger_entries_balanced",
    ],
    ["an amount of 0", [{ leg: 1, account: "customer", amount: 0n }], "ledger_entries_amount_check"],
    ["the same line twice", [...balanced, ...balanced], "ledger_entries_once"],
  ])("refuses %s", async (_, lines, constraint) => {
    await expect(write("cap_refused", lines)).rejects.toMatchObject({ constraint });
    const rows = await inBooks((tx) =>
      tx.selectFrom("ledger_entries").selectAll().where("provider_effect_id", "=", "cap_refused").execute(),
    );
    expect(rows).toEqual([]);
  });

  test("refuses to book an effect a second time", async () => {
    await write("cap_twice", balanced);
    await expect(write("cap_twice", balanced)).rejects.toMatchObject({ constraint: "ledger_entries_once" });
  });

  test.each([
    ["update", sql`update ledger_entries set amount = 5 where amount > 0`],
    ["an update of no line", sql`update ledger_entries set amount = 5 where false`],
    ["delete", sql`delete from ledger_entries`],
    ["truncate", sql`truncate ledger_entries`],
  ])("refuses %s", async (_, statement) => {
    await write(`cap_${Math.random()}`, balanced);
    const refused = { constraint: "ledger_entries_append_only" };
    await expect(inBooks((tx) => statement.execute(tx))).rejects.toMatchObject(refused);
  });
});

describe("the transactions", () => {
  const update = (set: string) =>
    inBooks((tx) => sql`update transactions set ${sql.raw(set)} where id = 'txn_1'`.execute(tx));

  test.each([
    ["refunds above the charge", "refunded = 101, version = 2", "transactions_refund_within_charge"],
    ["reservations above the charge", "reserved = 101", "transactions_refund_within_charge"],
    ["a way back", "state = 'PENDING', provider_capture_id = null, version = 2", "transactions_state_moves"],
    ["another amount", "amount = 1", "transactions_fixed"],
    ["another capture", "provider_capture_id = 'cap_other'", "transactions_fixed"],
    ["a version left out", "state = 'REFUNDED', refunded = 100, version = 3", "transactions_version"],
    ["REFUNDED with something left", "state = 'REFUNDED', refunded = 99, version = 2", "transactions_refunded_is_all"],
  ])("refuse %s", async (_, set, constraint) => {
    await expect(update(set)).rejects.toMatchObject({ constraint });
  });

  test("refuse a second charge of an order, unless the first one failed", async () => {
    const insert = (id: string, failed: boolean) => {
      const failure = { state: "FAILED" as const, decline_code: "card_declined", provider_capture_id: null };
      const row = { ...aRow({ id, order_id: "ord_2" }), ...(failed ? failure : {}) };
      return inBooks((tx) => tx.insertInto("transactions").values(row).execute());
    };
    await insert("txn_2", true);
    await insert("txn_3", false);
    await expect(insert("txn_4", false)).rejects.toMatchObject({ constraint: "transactions_one_per_order" });
  });
});
