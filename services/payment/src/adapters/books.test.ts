import { createLogger } from "@holdfast/process";
import { migrate } from "@holdfast/storage";
import { createTestDatabase } from "@holdfast/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer } from "../domain/answer.ts";
import type { ChargeAttempt, OpenedCharge } from "../domain/take-payment.ts";
import { openBooks, soon } from "../testing/payment.fixture.ts";
import { type ChargesInPostgres, chargesInPostgres } from "./charges-in-postgres.ts";
import { type RefundsInPostgres, refundsInPostgres } from "./refunds-in-postgres.ts";

const stack = new AsyncDisposableStack();
let books: ReturnType<typeof openBooks>;
let charges: ChargesInPostgres;
let refunds: RefundsInPostgres;
/** The same books for an instance whose leases end at once. */
let hasty: ChargesInPostgres;
let next = 0;
const lines: string[] = [];

beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  await migrate(database.url, new URL("../migrations/", import.meta.url));
  books = stack.use(openBooks(database.url));
  const log = createLogger({ service: "test", destination: { write: (line) => void lines.push(line) } });
  const options = { db: books, log, newId: () => String(next++).padStart(32, "0"), leaseMs: 60_000, settleMs: 60_000 };
  charges = chargesInPostgres(options);
  refunds = refundsInPostgres(options);
  hasty = chargesInPostgres({ ...options, leaseMs: 0, settleMs: 0 });
});
afterAll(() => stack.disposeAsync());

function aCommand() {
  const id = next++;
  return {
    customerId: "customer-1",
    orderId: `ord_${id}`,
    amount: { currencyCode: "GBP", minorUnits: 100n },
    paymentMethod: "pm_card_ok",
    idempotencyKey: `key:${id}`,
    requestHash: "a",
  };
}

function claimed(opened: OpenedCharge): ChargeAttempt {
  if (opened.kind !== "claimed") throw new Error(`not claimed, but ${opened.kind}`);
  return opened.attempt;
}

const unknown: Answer = { kind: "unknown", why: "timeout" };
const captured = (...[first = "cap", ...rest]: string[]): Answer => ({ kind: "done", effectIds: [first, ...rest] });

describe("chargesInPostgres()", () => {
  test("gives the lease to one of many calls at once", async () => {
    const command = aCommand();
    const opened = await Promise.all(Array.from({ length: 20 }, () => charges.open(command, soon())));
    expect(opened.map(({ kind }) => kind).sort()).toEqual(["claimed", ...Array.from({ length: 19 }, () => "in_use")]);
  });

  test("gives an ended lease to the next one, with a higher fence, and does not listen to the first one's refusal", async () => {
    const command = aCommand();
    const first = claimed(await hasty.open(command, soon()));
    const second = claimed(await charges.open(command, soon()));
    expect(second).toMatchObject({ id: first.id, fence: first.fence + 1n, attempts: 2 });
    const refused: Answer = { kind: "refused", code: "card_declined" };
    expect(await charges.record(first, refused, 0, soon())).toMatchObject({ state: "PENDING" });
    expect(await charges.markSent(first, soon())).toBe(false);
    expect(await charges.markSent(second, soon())).toBe(true);
    // What happened is a fact, whoever saw it.
    expect(await charges.record(first, captured(`cap_${command.orderId}`), 0, soon())).toMatchObject({
      state: "COMPLETED",
    });
    expect(await charges.record(second, refused, 0, soon())).toMatchObject({ state: "COMPLETED" });
  });

  test("tells whether an earlier request may be under way", async () => {
    const command = aCommand();
    const first = claimed(await charges.open(command, soon()));
    expect(first.earlier).toBe("none");
    await charges.record(first, unknown, 60_000, soon());
    const second = claimed(await charges.open(command, soon()));
    expect(second.earlier).toBe("under_way");
    await charges.record(second, unknown, 60_000, soon());
    expect(claimed(await hasty.open(command, soon())).earlier).toBe("over");
  });

  test("gives what is due to one of several workers, and nothing before its time", async () => {
    const attempts = [];
    for (let i = 0; i < 6; i++) attempts.push(claimed(await charges.open(aCommand(), soon())));
    const due = attempts.slice(0, 4);
    for (const attempt of attempts) await charges.record(attempt, unknown, due.includes(attempt) ? 0 : 60_000, soon());
    const workers = await Promise.all([1, 2, 3].map(() => charges.claimDue(10, soon())));
    const ids = attempts.map(({ id }) => id);
    const taken = workers.flat().map(({ id }) => id);
    expect(taken.filter((id) => ids.includes(id)).sort()).toEqual(due.map(({ id }) => id).sort());
    expect(new Set(taken).size).toBe(taken.length);
  });

  test("gives the surplus back when a provider has captured more than once, and books every effect", async () => {
    const command = aCommand();
    const attempt = claimed(await charges.open(command, soon()));
    const [own, extra] = [`cap_a${command.orderId}`, `cap_b${command.orderId}`];
    const transaction = await charges.record(attempt, captured(own, extra), 0, soon());
    expect(transaction).toMatchObject({ state: "COMPLETED", captureId: own, refunded: 0n });
    await charges.record(attempt, captured(own, extra), 0, soon());
    expect(lines.filter((line) => line.includes("captured more than once"))).toHaveLength(1);

    const [refund, ...others] = await refunds.claimDue(10, soon());
    expect(others).toEqual([]);
    expect(refund).toMatchObject({ captureId: extra, amount: command.amount, earlier: "over" });
    if (refund === undefined) throw new Error("no refund");
    const answer: Answer = { kind: "done", effectIds: [`ref_${command.orderId}`] };
    expect(await refunds.record(refund, answer, 0, soon())).toMatchObject({
      state: "COMPLETED",
      transaction: { state: "COMPLETED", refunded: 0n, reserved: 0n },
    });
    const merchant = await books.transaction(soon(), (tx) =>
      tx
        .selectFrom("ledger_entries")
        .select("amount")
        .where("transaction_id", "=", attempt.id)
        .where("account", "=", "merchant")
        .orderBy("id")
        .execute(),
    );
    expect(merchant.map(({ amount }) => amount)).toEqual([100n, 100n, -100n]);
  });
});

describe("refundsInPostgres()", () => {
  async function aCompletedCharge(): Promise<string> {
    const command = aCommand();
    const attempt = claimed(await charges.open(command, soon()));
    await charges.record(attempt, captured(`cap_${command.orderId}`), 0, soon());
    return attempt.id;
  }
  const aRefund = { amount: undefined, reason: "", idempotencyKey: "r", requestHash: "a" };

  test("keeps an amount reserved until its outcome is known, and frees it when the provider refuses", async () => {
    const transactionId = await aCompletedCharge();
    const opened = await refunds.open({ ...aRefund, transactionId }, soon());
    if (opened.kind !== "claimed") throw new Error(opened.kind);
    const another = { ...aRefund, transactionId, idempotencyKey: "s" };
    expect(await refunds.open(another, soon())).toEqual({ kind: "exceeds", refundable: 0n });
    await refunds.record(opened.attempt, { kind: "refused", code: "refund_exceeds_capture" }, 0, soon());
    expect(await refunds.open({ ...aRefund, transactionId }, soon())).toMatchObject({
      kind: "settled",
      standing: { state: "FAILED" },
    });
    expect(await refunds.open(another, soon())).toMatchObject({ kind: "claimed" });
  });

  test("books every refund of a provider that has made more than one, however late it is told of, and counts one", async () => {
    const transactionId = await aCompletedCharge();
    const opened = await refunds.open({ ...aRefund, transactionId }, soon());
    if (opened.kind !== "claimed") throw new Error(opened.kind);
    const record = (...effectIds: [string, ...string[]]) =>
      refunds.record(opened.attempt, { kind: "done", effectIds }, 0, soon());
    const [own, extra, late] = [`ref_a${transactionId}`, `ref_b${transactionId}`, `ref_c${transactionId}`];
    const once = { state: "COMPLETED", transaction: { state: "REFUNDED", refunded: 100n, reserved: 0n } };
    const booked = () =>
      books.transaction(soon(), (tx) =>
        tx
          .selectFrom("ledger_entries")
          .select(["provider_effect_id as effect", "amount", "refund_id as refund"])
          .where("transaction_id", "=", transactionId)
          .where("account", "=", "merchant")
          .where("amount", "<", 0n)
          .orderBy("id")
          .execute(),
      );
    const asked = { effect: own, amount: -100n, refund: opened.attempt.id };
    const surplus = { amount: -100n, refund: null };
    expect(await record(own, extra)).toMatchObject(once);
    expect(await booked()).toEqual([asked, { ...surplus, effect: extra }]);
    expect(await record(own, extra)).toMatchObject(once);
    expect(await record(late)).toMatchObject(once);
    expect(await booked()).toEqual([asked, { ...surplus, effect: extra }, { ...surplus, effect: late }]);
    expect(lines.filter((line) => line.includes("refunded more than was asked for"))).toHaveLength(2);
  });
});
