import { describe, expect, test } from "vitest";
import { OrderState, TRANSITIONS } from "../domain/order.ts";
import { openTestStore, type TestStore } from "../testing/open-test-store.ts";

const STATES = Object.values(OrderState);

/** What an order in each state must look like. */
const COLUMNS: Readonly<Record<OrderState, string>> = {
  PENDING: "state = 'PENDING'",
  STOCK_RESERVED: "state = 'STOCK_RESERVED', step = 'charge'",
  PAID: "state = 'PAID', step = 'commit_stock', charge_started_at = now(), transaction_id = 'txn_1'",
  CONFIRMED: "state = 'CONFIRMED', step = 'none', next_run_at = null, commit_started_at = now()",
  CANCELLED: "state = 'CANCELLED', step = 'none', next_run_at = null, cancel_reason = 'EXPIRED'",
};

/** How to come to each state. */
const WAYS: Readonly<Record<OrderState, readonly OrderState[]>> = {
  PENDING: [],
  STOCK_RESERVED: ["STOCK_RESERVED"],
  PAID: ["STOCK_RESERVED", "PAID"],
  CONFIRMED: ["STOCK_RESERVED", "PAID", "CONFIRMED"],
  CANCELLED: ["CANCELLED"],
};

/** Changes of an order that has come a way. */
const FORBIDDEN: readonly { name: string; way: readonly OrderState[]; change: string; constraint: string }[] = [
  {
    name: "any change of a confirmed order",
    way: WAYS.CONFIRMED,
    change: "attempts = 1",
    constraint: "orders_transition",
  },
  {
    name: "any change of a cancelled order",
    way: WAYS.CANCELLED,
    change: "lease_until = now()",
    constraint: "orders_transition",
  },
  {
    name: "a new state with the old version",
    way: [],
    change: "state = 'STOCK_RESERVED', step = 'charge'",
    constraint: "orders_version",
  },
  { name: "a new version with the old state", way: [], change: "version = 2", constraint: "orders_version" },
  { name: "a state that is none", way: [], change: "state = 'LOST', version = 2", constraint: "orders_transition" },
  { name: "a reason that is none", way: [], change: "cancel_reason = 'BORED'", constraint: "orders_cancel_reason" },
  { name: "a total of nothing", way: [], change: "total_minor_units = 0", constraint: "orders_remembers" },
  {
    name: "PAID without a transaction",
    way: WAYS.STOCK_RESERVED,
    change: "state = 'PAID', version = 3",
    constraint: "orders_paid_has_transaction",
  },
  {
    name: "a transaction without a charge",
    way: WAYS.STOCK_RESERVED,
    change: "state = 'PAID', version = 3, transaction_id = 'txn_1'",
    constraint: "orders_transaction_has_charge",
  },
  {
    name: "CANCELLED without a reason",
    way: [],
    change: "state = 'CANCELLED', version = 2, step = 'none', next_run_at = null",
    constraint: "orders_cancelled_has_reason",
  },
  {
    name: "CONFIRMED without a commit",
    way: WAYS.PAID,
    change: "state = 'CONFIRMED', version = 4, step = 'none', next_run_at = null",
    constraint: "orders_confirmed_is_committed",
  },
  {
    name: "a terminal order that runs again",
    way: WAYS.PAID,
    change: "step = 'none'",
    constraint: "orders_terminal_rests",
  },
  { name: "a forgotten charge", way: WAYS.PAID, change: "charge_started_at = null", constraint: "orders_remembers" },
  { name: "another transaction", way: WAYS.PAID, change: "transaction_id = 'txn_2'", constraint: "orders_remembers" },
  { name: "another customer", way: [], change: "customer_id = '12583'", constraint: "orders_remembers" },
];

async function insertOrder(store: TestStore, id: string): Promise<void> {
  await store.query(
    `insert into orders (id, customer_id, currency_code, total_minor_units, payment_method, line_count)
     values ($1, '17850', 'GBP', 510, 'pm_card_ok', 1)`,
    [id],
  );
}

const move = (store: TestStore, id: string, to: OrderState, change = COLUMNS[to]) =>
  store.query(`update orders set ${change}, version = version + 1 where id = $1`, [id]);

/** The name of the broken constraint. */
async function constraintOf(attempt: Promise<unknown>): Promise<string | undefined> {
  return attempt.then(
    () => undefined,
    (error: unknown) => (error instanceof Error && "constraint" in error ? String(error.constraint) : String(error)),
  );
}

describe("the table orders", () => {
  test("takes every transition of the domain's table, and refuses every other one", async () => {
    await using store = await openTestStore();
    const results: string[] = [];
    let number = 0;
    for (const from of STATES) {
      for (const to of STATES.filter((it) => it !== from)) {
        const id = `ord_${++number}`;
        await insertOrder(store, id);
        for (const step of WAYS[from]) await move(store, id, step);
        if ((await constraintOf(move(store, id, to))) === undefined) results.push(`${from}>${to}`);
      }
    }
    expect(results).toEqual(Object.entries(TRANSITIONS).flatMap(([from, to]) => to.map((it) => `${from}>${it}`)));
  });

  test("refuses what would break its rules, whoever asks", async () => {
    await using store = await openTestStore();
    const refused: [name: string, constraint: string | undefined][] = [];
    for (const [index, { name, way, change }] of FORBIDDEN.entries()) {
      const id = `ord_${index}`;
      await insertOrder(store, id);
      for (const state of way) await move(store, id, state);
      refused.push([name, await constraintOf(store.query(`update orders set ${change} where id = $1`, [id]))]);
    }
    expect(refused).toEqual(FORBIDDEN.map(({ name, constraint }) => [name, constraint]));
  });

  test("starts no order in another state than PENDING, nor without a total", async () => {
    await using store = await openTestStore();
    const insert = (columns: string, values: string) =>
      store.query(`insert into orders (id, customer_id, currency_code, payment_method, line_count, ${columns})
        values ('ord_1', '17850', 'GBP', 'pm_card_ok', 1, ${values})`);
    expect(await constraintOf(insert("total_minor_units, version", "510, 2"))).toBe("orders_start");
    expect(await constraintOf(insert("total_minor_units, state, step", "510, 'STOCK_RESERVED', 'charge'"))).toBe(
      "orders_start",
    );
    expect(await constraintOf(insert("total_minor_units", "0"))).toBe("orders_total");
    expect(await constraintOf(insert("total_minor_units", "10000000000001"))).toBe("orders_total");
  });
});
