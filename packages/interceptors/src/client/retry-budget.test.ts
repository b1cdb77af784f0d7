// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { RetryBudget, type RetryBudgetOptions, sharedBudget } from "./retry-budget.ts";

/** How many extra attempts it lets through, of 1,000 that are wanted. */
function spendAll(budget: RetryBudget, previousAttempts = 0): number {
  let taken = 0;
  while (taken < 1_000 && budget.withdraw(previousAttempts)) taken += 1;
  return taken;
}

function aBudget(options: RetryBudgetOptions = {}) {
  const clock = new ManualClock();
  return { clock, budget: new RetryBudget(options, { clock }) };
}

describe("RetryBudget", () => {
  test("R12: is a fifth of the calls of the last 10 s, and a reserve of 10 a second", () => {
    const { budget } = aBudget();
    for (let call = 0; call < 500; call++) budget.deposit();
    expect(budget.balance).toBe(200);
    expect(spendAll(budget)).toBe(100 + 100);
    expect(budget.balance).toBe(0);
  });

  test("R12: without the reserve, five calls pay for one extra attempt, and the sixth one is not lent", () => {
    const { budget } = aBudget({ reservePerSecond: 0 });
    expect(budget.withdraw(0)).toBe(false);
    for (let call = 0; call < 4; call++) budget.deposit();
    expect(budget.withdraw(0)).toBe(false);
    budget.deposit();
    expect(spendAll(budget)).toBe(1);
  });

  test("R12: deposits and withdrawals are forgotten after 10 s, also when nothing happens in between", () => {
    const { budget, clock } = aBudget({ reservePerSecond: 1 });
    for (let call = 0; call < 100; call++) budget.deposit();
    expect(spendAll(budget)).toBe(30);
    clock.advance(8_999);
    expect(spendAll(budget)).toBe(0);
    clock.advance(1_001);
    expect(spendAll(budget)).toBe(10);
    clock.advance(3_600_000);
    expect(spendAll(budget)).toBe(10);
  });

  test("R12: more than half of the throttle's tokens must be left", () => {
    const { budget } = aBudget();
    for (let failure = 0; failure < 4; failure++) budget.recordFailure();
    expect(budget.withdraw(0)).toBe(true);
    budget.recordFailure();
    expect(budget.withdraw(0)).toBe(false);
    expect(budget.balance).toBe(0);
    budget.recordSuccess();
    expect(budget.withdraw(0)).toBe(true);
  });

  test("R12: a success puts a tenth of a token back, never above the maximum; failures never go below zero", () => {
    const { budget } = aBudget();
    for (let success = 0; success < 1_000; success++) budget.recordSuccess();
    for (let failure = 0; failure < 5; failure++) budget.recordFailure();
    expect(budget.withdraw(0)).toBe(false);
    for (let failure = 0; failure < 1_000; failure++) budget.recordFailure();
    for (let success = 0; success < 50; success++) budget.recordSuccess();
    expect(budget.withdraw(0)).toBe(false);
    budget.recordSuccess();
    expect(budget.withdraw(0)).toBe(true);
  });

  test("R14: a call that is itself a repetition has half of the window", () => {
    const { budget } = aBudget();
    for (let call = 0; call < 500; call++) budget.deposit();
    expect(spendAll(budget, 1)).toBe(100);
    expect(spendAll(budget, 0)).toBe(100);
  });

  test("R14: a call that is itself a repetition has half of the throttle's way down", () => {
    const { budget } = aBudget();
    budget.recordFailure();
    budget.recordFailure();
    expect(budget.withdraw(1)).toBe(true);
    budget.recordFailure();
    expect(budget.withdraw(1)).toBe(false);
    expect(budget.withdraw(0)).toBe(true);
  });

  test("a clock that is set back neither frees nor loses tokens", () => {
    const { budget, clock } = aBudget({ reservePerSecond: 1 });
    expect(spendAll(budget)).toBe(10);
    clock.advance(-20_000);
    expect(spendAll(budget)).toBe(0);
  });

  test.each<[RetryBudgetOptions, string]>([
    [{ ratio: 0 }, "ratio must be 0.001 to 1, is 0"],
    [{ ttlMs: 10 }, "ttlMs must be 1000 to 60000, is 10"],
    [{ reservePerSecond: -1 }, "reservePerSecond must be 0 to 1000, is -1"],
    [{ maxTokens: Number.NaN }, "maxTokens must be 1 to 1000, is NaN"],
    [{ tokenRatio: 2 }, "tokenRatio must be 0.001 to 1, is 2"],
  ])("refuses %o", (options, text) => {
    expect(() => new RetryBudget(options)).toThrow(new RangeError(`Cannot build a retry budget: ${text}`));
  });
});

describe("sharedBudget()", () => {
  test("R12: is one per target for the whole process", () => {
    const orders = sharedBudget("dns:///orders", { ratio: 0.1 });
    expect(sharedBudget("dns:///orders")).toBe(orders);
    expect(sharedBudget("dns:///orders", { ratio: 0.1 })).toBe(orders);
    expect(sharedBudget("dns:///payments")).not.toBe(orders);
  });

  test("refuses options that would have no effect", () => {
    sharedBudget("dns:///products");
    expect(() => sharedBudget("dns:///products", { ratio: 0.5 })).toThrow(/Cannot share .* "dns:\/\/\/products"/);
  });

  test("keeps at most 1,000 targets, those that were used last", () => {
    const first = sharedBudget("first");
    const second = sharedBudget("second");
    for (let target = 0; target < 999; target++) {
      sharedBudget(`target ${target}`);
      sharedBudget("first");
    }
    expect(sharedBudget("first")).toBe(first);
    expect(sharedBudget("second")).not.toBe(second);
  });
});
