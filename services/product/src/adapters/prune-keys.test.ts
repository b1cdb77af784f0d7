import { sql } from "@holdfast/storage";
import { expect, test } from "vitest";
import { aScope } from "../testing/builders.ts";
import { openTestDatabase } from "../testing/open-test-database.ts";
import { pruneKeys } from "./prune-keys.ts";

test("pruneKeys() forgets old answers batch by batch, and keeps what is younger", async () => {
  await using database = await openTestDatabase();
  const { db } = database;
  await db.transaction(aScope(), (tx) =>
    sql`
      insert into idempotency_key (method, key, request_hash, response, create_time)
      select 'CreateProduct', n::text, '', '', now() - case when n <= 1500 then interval '25 hours' else '23 hours' end
      from generate_series(1, 1510) as n`.execute(tx),
  );
  const prune = pruneKeys(db, { keepHours: 24 });
  expect([await prune(aScope()), await prune(aScope())]).toEqual([true, false]);
  const left = await db.transaction(aScope(), (tx) => tx.selectFrom("idempotency_key").select("key").execute());
  expect(left).toHaveLength(10);
});
