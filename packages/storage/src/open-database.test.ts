import { createTestDatabase } from "@holdfast/testkit";
import { expect, test } from "vitest";
import { openDatabase, sql } from "./index.ts";

test("x", async () => {
  await using t = await createTestDatabase();
  await using db = openDatabase({ url: t.url });
  const r = await db.transaction({ deadline: Date.now() + 1000, signal: new AbortController().signal }, (tx) =>
    sql<{ a: bigint }>`select 1::int8 as a`.execute(tx),
  );
  expect(r.rows[0]?.a).toBe(1n);
});
