import { sql } from "@holdfast/storage";
import { describe, expect, test } from "vitest";
import { aScope, insertProduct } from "../testing/builders.ts";
import { openTestDatabase } from "../testing/open-test-database.ts";

describe("the product table", () => {
  test.each([
    ["stock = stock - 11, received = received - 11", "product_stock_not_negative"],
    ["stock = stock + 1, reserved = -1", "product_reserved_not_negative"],
    ["stock = stock + 1, sold = -1", "product_sold_not_negative"],
    ["stock = stock - 1", "product_stock_adds_up"],
    ["sold = sold + 1", "product_stock_adds_up"],
  ])("refuses to set %s", async (change, constraint) => {
    await using database = await openTestDatabase();
    await insertProduct(database.db, { stock: 10 });
    const update = database.db.transaction(aScope(), (tx) => sql`update product set ${sql.raw(change)}`.execute(tx));
    await expect(update).rejects.toMatchObject({ kind: "check_violation", constraint });
  });

  test("changes stock without touching an index", async () => {
    await using database = await openTestDatabase();
    const { db } = database;
    await insertProduct(db, { stock: 10 });
    const hot = await db.transaction(aScope(), async (tx) => {
      await sql`update product set stock = 9, reserved = 1, stock_version = 2`.execute(tx);
      const { rows } = await sql<{ total: bigint; hot: bigint }>`
        select pg_stat_get_xact_tuples_updated('product'::regclass) as total,
          pg_stat_get_xact_tuples_hot_updated('product'::regclass) as hot`.execute(tx);
      return rows[0];
    });
    expect(hot).toEqual({ total: 1n, hot: 1n });
  });
});
