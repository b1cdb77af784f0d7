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
    expect(summarize(day, "pm_card_ok")).toEqual({
      ends: new Map([
        ["CONFIRMED", 1],
        ["CANCELLED CUSTOMER_REQUEST", 1],
      ]),
      salesPence: 1_530n,
      notSold: new Map(),
      notSoldPence: 0n,
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
    const { ends, addsUp, findings } = summarize(aDay([anOrder()], [outcome]), "pm_card_ok");
    expect(ends).toEqual(new Map([[end, 1]]));
    expect(addsUp).toBe(false);
    expect(findings).toHaveLength(2);
  });

  test.each([true, false])("finds a cancellation without a reason, of a return: %s", (isReturn) => {
    const day = aDay([anOrder({ isReturn })], [ended({ state: "CANCELLED" })], {
      fileMicros: isReturn ? -15_300_000n : 15_300_000n,
    });
    expect(summarize(day, "pm_card_ok").findings).toHaveLength(1);
  });

  const cancelled = (reason: string) => ended({ state: "CANCELLED", reason });
  const twoOrders = [anOrder(), anOrder({ name: "536366", totalPence: 200n })];
  const twice = (reason: string) => [cancelled(reason), { ...cancelled(reason), totalPence: 200n }];
  const twoSales = { fileMicros: 17_300_000n };

  test.each(["OUT_OF_STOCK", "EXPIRED", "PAYMENT_DECLINED", "CUSTOMER_REQUEST"])(
    "counts a sale that was cancelled as %s for none, and finds the reason once: nothing explains it",
    (reason) => {
      const { salesPence, notSold, addsUp, findings } = summarize(
        aDay(twoOrders, twice(reason), twoSales),
        "pm_card_ok",
      );
      expect({ salesPence, addsUp }).toEqual({ salesPence: 0n, addsUp: true });
      expect(notSold).toEqual(new Map([[reason, { orders: 2, pence: 1_730n, example: "536365 (ord_1)" }]]));
      expect(findings).toHaveLength(1);
    },
  );

  test("finds nothing in a decline of a card that may be declined, and nothing else is explained by it", () => {
    const findingsOf = (reason: string) =>
      summarize(aDay(twoOrders, twice(reason), twoSales), "pm_card_declined").findings.length;
    expect(findingsOf("PAYMENT_DECLINED")).toBe(0);
    expect(findingsOf("OUT_OF_STOCK")).toBe(1);
  });

  test("finds nothing in a return, whether it came in time or too late", () => {
    const returned = anOrder({ isReturn: true });
    const outcomes = [cancelled("CUSTOMER_REQUEST"), ended({ cancelledTooLate: true })];
    const day = aDay([returned, returned], outcomes, { fileMicros: -30_600_000n });
    expect(summarize(day, "pm_card_ok")).toMatchObject({ returnsPence: 3_060n, notSold: new Map(), findings: [] });
  });
});

describe("formatSummary()", () => {
  test("shows each end and both sides of the balance", () => {
    const day = aDay([anOrder()], [ended()]);
    expect(formatSummary(day, summarize(day, "pm_card_ok")).split("\n")).toEqual([
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
    expect(formatSummary(day, summarize(day, "pm_card_ok"))).toContain(
      "+ rows left out -0.003000 = 15.297000 of the file",
    );
  });

  test("shows what was not sold, by reason", () => {
    const outcomes = [ended({ state: "CANCELLED", reason: "EXPIRED" }), ended({ totalPence: 200n })];
    const orders = [anOrder(), anOrder({ totalPence: 200n })];
    const day = aDay(orders, outcomes, { fileMicros: 17_300_000n });
    expect(formatSummary(day, summarize(day, "pm_card_ok")).split("\n").slice(-2)).toEqual([
      "  not sold: 1 order, £15.30 EXPIRED",
      "  GBP: sales 2.00 + not sold 15.30 - returns 0.00 + rows left out 0.00 = 17.30 of the file",
    ]);
  });
});
