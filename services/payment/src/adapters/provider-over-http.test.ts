import { createLogger } from "@holdfast/process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChargeAttempt } from "../domain/take-payment.ts";
import { startProvider, type TestProvider } from "../testing/provider.fixture.ts";
import { startSilence } from "../testing/silence.fixture.ts";
import { capturesOverHttp, refundsOverHttp } from "./provider-over-http.ts";

const stack = new AsyncDisposableStack();
let provider: TestProvider;

beforeAll(async () => {
  provider = stack.use(await startProvider({ SLOW_MS: "5000" }));
});
afterAll(() => stack.disposeAsync());

const lines: string[] = [];
const log = createLogger({ service: "test", destination: { write: (line) => void lines.push(line) } });
const within = (ms: number, signal = new AbortController().signal) => ({ deadline: Date.now() + ms, signal });
const gbp = (minorUnits: bigint) => ({ currencyCode: "GBP", minorUnits });
let next = 0;

function anAttempt(paymentMethod = "pm_card_ok"): ChargeAttempt {
  const id = `txn_${next++}`;
  const leased = { id, fence: 1n, attempts: 1, earlier: "none" as const };
  return {
    ...leased,
    orderId: `ord_${id}`,
    customerId: "customer-1",
    amount: gbp(9_007_199_254_740_993n),
    paymentMethod,
  };
}

describe("capturesOverHttp()", () => {
  test("captures, to the last minor unit, and finds it by key", async () => {
    const captures = capturesOverHttp({ url: provider.url, log });
    const attempt = anAttempt();
    const done = await captures.send(attempt, within(5_000));
    expect(done).toMatchObject({ kind: "done", effectIds: [expect.stringMatching(/^cap_/)] });
    expect(await captures.find(attempt, within(5_000))).toEqual(done);
    expect(await provider.effects()).toContainEqual(expect.objectContaining({ amount_minor: "9007199254740993" }));
  });

  test("finds nothing under a key that was never used", async () => {
    expect(await capturesOverHttp({ url: provider.url, log }).find(anAttempt(), within(5_000))).toEqual({
      kind: "none",
    });
  });

  test.each([
    ["pm_card_declined", { kind: "refused", code: "card_declined" }],
    ["pm_card_insufficient_funds", { kind: "refused", code: "insufficient_funds" }],
    ["pm_nobody_knows", { kind: "refused", code: "unknown_payment_method" }],
    ["pm_card_unknown_outcome", { kind: "unknown" }],
  ])("understands %s", async (paymentMethod, answer) => {
    const captures = capturesOverHttp({ url: provider.url, log });
    expect(await captures.send(anAttempt(paymentMethod), within(5_000))).toMatchObject(answer);
  });

  test.each(["drop_before_charge", "charge_then_drop", "error_500_after_charge"])(
    "takes an answer that never comes for an unknown outcome (%s), and writes no token to the log",
    async (mode) => {
      await provider.mode(mode, 1);
      lines.length = 0;
      const attempt = anAttempt();
      const captures = capturesOverHttp({ url: provider.url, log });
      expect(await captures.send(attempt, within(5_000))).toMatchObject({ kind: "unknown" });
      expect(lines.join("")).toContain(attempt.id);
      expect(lines.join("")).not.toContain("pm_card");
      const charged = mode === "drop_before_charge" ? "none" : "done";
      expect(await captures.find(attempt, within(5_000))).toHaveProperty("kind", charged);
    },
  );

  test("tells what is still under way from what never happened", async () => {
    const captures = capturesOverHttp({ url: provider.url, log });
    const attempt = anAttempt("pm_card_slow");
    expect(await captures.send(attempt, within(300))).toMatchObject({ kind: "unknown" });
    expect(await captures.find(attempt, within(5_000))).toMatchObject({ kind: "unknown" });
  });

  test("waits no longer than its scope allows, and sends nothing when no time is left", async () => {
    await using silence = await startSilence();
    const captures = capturesOverHttp({ url: silence.url, log });
    expect(await captures.send(anAttempt(), within(0))).toMatchObject({ kind: "unknown" });
    expect(silence.connections()).toBe(0);
    expect(await captures.send(anAttempt(), within(50))).toMatchObject({ kind: "unknown" });
    const aborted = within(60_000, AbortSignal.timeout(50));
    expect(await captures.find(anAttempt(), aborted)).toMatchObject({ kind: "unknown" });
  });

  test("takes a provider that is not there for an unknown outcome", async () => {
    const captures = capturesOverHttp({ url: "http://127.0.0.1:1", log });
    expect(await captures.send(anAttempt(), within(5_000))).toMatchObject({ kind: "unknown" });
  });
});

describe("refundsOverHttp()", () => {
  test("gives back, finds it by key, and understands that nothing is left", async () => {
    const charge = anAttempt();
    const captured = await capturesOverHttp({ url: provider.url, log }).send(charge, within(5_000));
    const captureId = captured.kind === "done" ? captured.effectIds[0] : "";
    const refunds = refundsOverHttp({ url: provider.url, log });
    const refund = { ...charge, id: `rfd_${next++}`, captureId, reason: "“sehr” größer" };
    const done = await refunds.send(refund, within(5_000));
    expect(done).toMatchObject({ kind: "done", effectIds: [expect.stringMatching(/^ref_/)] });
    expect(await refunds.find(refund, within(5_000))).toEqual(done);
    const another = { ...refund, id: `rfd_${next++}`, amount: gbp(1n) };
    expect(await refunds.send(another, within(5_000))).toMatchObject({ kind: "refused" });
  });
});
