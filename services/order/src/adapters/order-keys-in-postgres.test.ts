import { expect, test } from "vitest";
import { anAcceptance, aScope } from "../testing/builders.ts";
import { openTestStore } from "../testing/open-test-store.ts";

test("pruneReplies() forgets keys that are old enough, in batches, and no others", async () => {
  await using store = await openTestStore({ IDEMPOTENCY_KEEP_HOURS: 24 });
  const old = Array.from({ length: 3 }, () => anAcceptance());
  const young = anAcceptance();
  for (const it of old) await store.acceptOrder(it, aScope());
  await store.query("update idempotency_keys set created_at = now() - interval '24 hours 1 second'");
  await store.acceptOrder(young, aScope());
  expect(await store.pruneReplies(2, aScope())).toBe(2);
  expect(await store.pruneReplies(2, aScope())).toBe(1);
  expect(await store.pruneReplies(2, aScope())).toBe(0);
  expect(await store.findReply(young.key, aScope())).toEqual({
    kind: "repeated",
    response: Buffer.from(young.order.id),
  });
  expect(await store.query("select count(*)::integer as orders from orders")).toEqual([{ orders: 4 }]);
});
