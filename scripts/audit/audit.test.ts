import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { audit } from "./audit.ts";
import { emptyBooks, type TestBooks } from "./books.fixture.ts";
import { captureOf } from "./capture-of.fixture.ts";
import { writeCharge, writeConsistentBooks } from "./order-story.fixture.ts";
import { post } from "./post.fixture.ts";
import { spoiledMoney } from "./spoiled-money.fixture.ts";
import { spoiledOrders } from "./spoiled-orders.fixture.ts";
import { writeRefund } from "./write-refund.fixture.ts";

let books: TestBooks;
beforeAll(async () => {
  books = await emptyBooks();
});
beforeEach(async () => {
  await books.clear();
  await writeConsistentBooks(books);
});
afterAll(() => books[Symbol.asyncDispose]());

const auditOf = (books: TestBooks, options = {}) => audit(books.location, { recheckMs: 1, ...options });

describe("audit()", () => {
  test("finds nothing wrong with consistent books, and counts them", async () => {
    expect(await auditOf(books)).toEqual({ orders: 4, inFlight: 1, charged: 3, ledgerRows: 16, violations: [] });
  });

  test("finds nothing wrong with empty books", async () => {
    await books.clear();
    expect(await auditOf(books)).toMatchObject({ orders: 0, charged: 0, ledgerRows: 0, violations: [] });
  });

  test("finds nothing wrong with a release that came for an order that is not there", async () => {
    await books.product("insert into reservation (order_id, state) values ('ord_never', 'RELEASED')");
    expect((await auditOf(books)).violations).toEqual([]);
  });

  test("finds nothing wrong with refunds of a part, done and under way", async () => {
    await writeRefund(books, { orderId: "ord_direct", name: "part1", amount: 200, state: "COMPLETED" });
    await writeRefund(books, { orderId: "ord_direct", name: "part2", amount: 100, state: "PENDING" });
    expect((await auditOf(books)).violations).toEqual([]);
  });

  test.each(["PENDING", "COMPLETED"] as const)(
    "finds nothing wrong with a surplus whose refund is %s",
    async (state) => {
      for (const outcome of ["captured", "declined"] as const) {
        const [orderId, name] = [`ord_twice${outcome}`, `twice${outcome}`];
        const surplusCaptureId = `cap_${name}_again`;
        await writeCharge(books, { orderId, key: "by-hand", amount: 300, outcome });
        await books.provider.append(captureOf(orderId, surplusCaptureId, "300"));
        await post(books.payment, { transactionId: `txn_${name}`, effectId: surplusCaptureId }, 300);
        await writeRefund(books, { orderId, name, amount: 300, surplusCaptureId, state });
      }
      expect((await auditOf(books)).violations).toEqual([]);
    },
  );

  test("finds nothing wrong with a refund that the provider made twice, if the ledger has both", async () => {
    await writeRefund(books, { orderId: "ord_direct", name: "part", amount: 100, state: "COMPLETED" });
    const { customer_id: _, payment_method: __, ...about } = captureOf("ord_direct", "ref_again", "100");
    await books.provider.append({ ...about, type: "refund", capture_id: "cap_direct", reason: "" });
    await post(books.payment, { transactionId: "txn_direct", effectId: "ref_again" }, -100);
    expect((await auditOf(books)).violations).toEqual([]);
  });

  test("counts nothing that is put right before it looks again", async () => {
    await books.product("update product set sold = sold + 1, received = received + 1");
    const sleep = () => books.product("update product set sold = sold - 1, received = received - 1");
    expect((await auditOf(books, { sleep })).violations).toEqual([]);
  });

  test("looks three times before it calls something wrong", async () => {
    await books.product("update product set sold = sold + 1, received = received + 1");
    let pauses = 0;
    const sleep = async () => void pauses++;
    expect((await auditOf(books, { sleep })).violations).toHaveLength(1);
    expect(pauses).toBe(2);
  });

  test("says which database it cannot open", async () => {
    const location = { ...books.location, productDatabaseUrl: "postgresql://product:x@127.0.0.1:1/product" };
    await expect(audit(location)).rejects.toThrow(/"product" at 127.0.0.1:1/);
  });

  test("lets orders, charges and refunds stand still that are said to", async () => {
    await writeRefund(books, { orderId: "ord_direct", name: "part", amount: 100, state: "PENDING" });
    await books.order("update orders set update_time = now() - interval '31 s' where id = 'ord_flying'");
    await books.payment("update transactions set create_time = now() - interval '31 s'");
    await books.payment("update refunds set create_time = now() - interval '31 s'");
    expect((await auditOf(books, { inFlightOk: true })).violations).toEqual([]);
  });
});

describe("audit() of spoiled books", () => {
  test.each([...spoiledMoney, ...spoiledOrders])("reports %s as %s", async (_, invariant, subject, spoil) => {
    await spoil(books);
    const { violations } = await auditOf(books);
    expect(new Set(violations.map((violation) => violation.invariant))).toEqual(new Set([invariant]));
    expect(violations.map((violation) => violation.subject)).toContain(subject);
  });
});
