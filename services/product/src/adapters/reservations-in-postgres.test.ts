import { sql } from "@holdfast/storage";
import { describe, expect, test } from "vitest";
import { aScope, anOrderId, insertProduct, insertProducts, unitsOf } from "../testing/builders.ts";
import { openTestDatabase } from "../testing/open-test-database.ts";
import { commitStock, releaseStock, reserveStock } from "./reservations-in-postgres.ts";

describe("reserveStock()", () => {
  test("takes 10 items once, however many of 100 buyers ask at the same time", async () => {
    await using database = await openTestDatabase();
    const { db } = database;
    const productId = await insertProduct(db, { stock: 10 });
    const reserve = reserveStock(db);
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () => reserve(aScope(), anOrderId(), [{ productId, quantity: 1 }])),
    );
    expect(outcomes.filter(({ kind }) => kind === "reserved")).toHaveLength(10);
    expect(outcomes.filter(({ kind }) => kind === "out_of_stock")).toHaveLength(90);
    expect(await unitsOf(db, productId)).toEqual({ received: 10n, stock: 0n, reserved: 10n, sold: 0n, version: 11n });
  });

  test("takes nothing and remembers nothing when one item is short", async () => {
    await using database = await openTestDatabase();
    const { db } = database;
    const orderId = anOrderId();
    const [plenty, short] = [await insertProduct(db, { stock: 5 }), await insertProduct(db, { stock: 1 })];
    const items = [
      { productId: plenty, quantity: 5 },
      { productId: short, quantity: 1 },
      { productId: short, quantity: 1 },
    ];
    expect(await reserveStock(db)(aScope(), orderId, items)).toEqual({
      kind: "out_of_stock",
      productId: short,
      available: 1,
      requested: 2,
    });
    expect(await unitsOf(db, plenty)).toMatchObject({ stock: 5n, version: 1n });
    expect(await commitStock(db)(aScope(), orderId)).toEqual({ kind: "not_found" });
    const retry = await reserveStock(db)(aScope(), orderId, [{ productId: plenty, quantity: 5 }]);
    expect(retry.kind).toBe("reserved");
  });

  test("gives one answer to one order that asks 50 times at once", async () => {
    await using database = await openTestDatabase();
    const { db } = database;
    const productId = await insertProduct(db, { stock: 3 });
    const orderId = anOrderId();
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => reserveStock(db)(aScope(), orderId, [{ productId, quantity: 2 }])),
    );
    const reservation = { orderId, state: "RESERVED", items: [{ productId, quantity: 2 }] };
    for (const outcome of outcomes) expect(outcome).toEqual({ kind: "reserved", reservation });
    expect(await unitsOf(db, productId)).toMatchObject({ stock: 1n, reserved: 2n });
  });

  test("never deadlocks 100 orders of 675 lines that share products in any order", async () => {
    await using database = await openTestDatabase();
    const { db } = database;
    const ids = await insertProducts(db, 700, 1_000);
    const before = await deadlocks(db);
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, order) => {
        const items = Array.from({ length: 675 }, (_, line) => ({
          productId: ids[(order * 37 + line * 11) % 700] ?? "",
          quantity: 1,
        }));
        return reserveStock(db)(aScope(60_000), anOrderId(), order % 2 === 0 ? items : items.reverse());
      }),
    );
    expect(outcomes.every(({ kind }) => kind === "reserved")).toBe(true);
    expect(await deadlocks(db)).toBe(before);
    expect(await imbalances(db)).toBe(0);
  }, 60_000);
});

describe("releaseStock() and commitStock()", () => {
  test("let exactly one of them win when both come at once, many times each", async () => {
    await using database = await openTestDatabase();
    const { db } = database;
    const productId = await insertProduct(db, { stock: 1_000 });
    const winners = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const orderId = anOrderId();
        await reserveStock(db)(aScope(), orderId, [{ productId, quantity: 1 }]);
        const [commits, releases] = await Promise.all([
          Promise.all([1, 2, 3].map(() => commitStock(db)(aScope(), orderId))),
          Promise.all([1, 2, 3].map(() => releaseStock(db)(aScope(), orderId))),
        ]);
        const committed = new Set(commits.map(({ kind }) => kind));
        const released = new Set(releases.map(({ kind }) => kind));
        expect([...committed]).toEqual([...released]);
        return [...committed].join();
      }),
    );
    const sold = BigInt(winners.filter((winner) => winner === "committed").length);
    expect(await unitsOf(db, productId)).toMatchObject({ stock: 1_000n - sold, reserved: 0n, sold });
  });

  test("leave a tombstone for an unknown order, which refuses the reservation that comes late", async () => {
    await using database = await openTestDatabase();
    const { db } = database;
    const productId = await insertProduct(db, { stock: 1 });
    const orderId = anOrderId();
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        index % 2 === 0
          ? releaseStock(db)(aScope(), orderId)
          : reserveStock(db)(aScope(), orderId, [{ productId, quantity: 1 }]),
      ),
    );
    expect(outcomes.length).toBe(10);
    expect(await unitsOf(db, productId)).toMatchObject({ stock: 1n, reserved: 0n });
    const late = await reserveStock(db)(aScope(), orderId, [{ productId, quantity: 1 }]);
    expect(late).toEqual({ kind: "released" });
  });
});

type Db = Awaited<ReturnType<typeof openTestDatabase>>["db"];

async function deadlocks(db: Db): Promise<bigint> {
  const { rows } = await db.transaction(aScope(), (tx) =>
    sql<{ count: bigint }>`
      select deadlocks as count from pg_stat_database where datname = current_database()`.execute(tx),
  );
  return rows[0]?.count ?? -1n;
}

/** Products whose columns are not what the reservations say. */
async function imbalances(db: Db): Promise<number> {
  const { rows } = await db.transaction(aScope(), (tx) =>
    sql`
      select p.id from product p
      left join reservation_item i on i.product_id = p.id
      left join reservation r on r.order_id = i.order_id
      group by p.id
      having p.reserved <> coalesce(sum(i.quantity) filter (where r.state = 'RESERVED'), 0)
        or p.sold <> coalesce(sum(i.quantity) filter (where r.state = 'COMMITTED'), 0)`.execute(tx),
  );
  return rows.length;
}
