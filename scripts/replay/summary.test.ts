import { RemoteError, Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { formatSummary } from "./format-summary.ts";
import type { OrderOutcome } from "./order-outcome.ts";
import type { PlannedOrder } from "./orders-of.ts";
import type { Day } from "./read-day.ts";
import { type ReplayedDay, summarize } from "./summary.ts";

const anOrder = (order: Partial<PlannedOrder> = {}): PlannedOrder => ({
  name: "536365",
  invoiceNo: "536365",
  isReturn: false,
  time: 0,
  customerId: "17850",
  items: [],
  totalPence: 1_530n,
  ...order,
});

const ended = (outcome: object = {}): OrderOutcome => ({
  kind: "terminal",
  orderId: "ord_1",
  state: "CONFIRMED",
  reason: "",
  totalPence: 1_530n,
  cancelledTooLate: false,
  ...outcome,
});

const refused = new RemoteError(Status.FAILED_PRECONDITION, "dearer", { reason: "PRICE_CHANGED" });

function aDay(orders: PlannedOrder[], outcomes: OrderOutcome[], day: Partial<Day> = {}): ReplayedDay {
  const file = { path: "/data/day.csv", rowCount: 9, invoiceCount: 3, leftOut: [], invoicesLeftOut: [] };
  const money = { fileMicros: 15_300_000n, leftOutMicros: 0n };
  return { day: { ...file, ...money, orders, ...day }, outcomes, elapsedMs: 2_000, lateMs: 0 };
}

describe("summarize()", () => {
  test("finds nothing when everything ended and adds up", () => {
    const orders = [anOrder(), anOrder({ isReturn: true, totalPence: 200n })];
    const outcomes = [ended(), ended({ state: "CANCELLED", reason: "CUSTOMER_REQUEST", totalPence: 200n })];
    const day = aDay(orders, outcomes, { leftOutMicros: 1_000n, fileMicros: 13_301_000n });
    expect(summarize(day)).toEqual({
      ends: new Map([
        ["CONFIRMED", 1],
        ["CANCELLED CUSTOMER_REQUEST", 1],
      ]),
      salesPence: 1_530n,
      returnsPence: 200n,
      addsUp: true,
      findings: [],
    });
  });

  const wrong: [string, OrderOutcome, string][] = [
    ["is not terminal", { kind: "not terminal", orderId: "ord_1", state: "PAID" }, "NOT TERMINAL PAID"],
    ["is refused", { kind: "refused", error: refused }, "REFUSED PRICE_CHANGED"],
    ["is given up", { kind: "given up", error: new RemoteError(Status.UNAVAILABLE, "away") }, "GIVEN UP"],
    ["costs a penny more", ended({ totalPence: 1_531n }), "CONFIRMED"],
  ];
  test.each(wrong)("finds an order that %s, and money that does not add up", (_, outcome, end) => {
    const { ends, addsUp, findings } = summarize(aDay([anOrder()], [outcome]));
    expect(ends).toEqual(new Map([[end, 1]]));
    expect(addsUp).toBe(false);
    expect(findings).toHaveLength(2);
  });

  test("finds a cancellation without a reason", () => {
    expect(summarize(aDay([anOrder()], [ended({ state: "CANCELLED" })])).findings).toHaveLength(1);
  });
});

describe("formatSummary()", () => {
  test("shows each end and both sides of the balance", () => {
    const day = aDay([anOrder()], [ended()]);
    expect(formatSummary(day, summarize(day)).split("\n")).toEqual([
      "day.csv",
      "  rows                                   9  0 cannot be part of an order",
      "  invoices                               3  0 have no row that can",
      "  orders                                 1  0 of them returns, placed and cancelled",
      "    CONFIRMED                            1",
      "  0.5 orders/s · 2.0 s",
      "  GBP: sales 15.30 - returns 0.00 + rows left out 0.00 = 15.30 of the file",
    ]);
  });

  test("shows parts of a penny where the file has them", () => {
    const day = aDay([anOrder()], [ended()], { leftOutMicros: -3_000n, fileMicros: 15_297_000n });
    expect(formatSummary(day, summarize(day))).toContain("+ rows left out -0.003000 = 15.297000 of the file");
  });
});
