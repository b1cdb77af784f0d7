import { RemoteError, Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { jumpingClock } from "./jumping-clock.fixture.ts";
import { persistence } from "./persistence.ts";

const { signal } = new AbortController();

function aCall(...answers: (RemoteError | string)[]) {
  let calls = 0;
  const call = async () => {
    const answer = answers[Math.min(calls++, answers.length - 1)];
    if (answer instanceof RemoteError) throw answer;
    return answer;
  };
  return Object.assign(call, { count: () => calls });
}

const away = new RemoteError(Status.UNAVAILABLE, "away");

describe("persistence()", () => {
  test.each([
    [away],
    [new RemoteError(Status.DEADLINE_EXCEEDED, "slow")],
    [new RemoteError(Status.ABORTED, "busy", { reason: "IDEMPOTENCY_KEY_IN_USE" })],
    [new RemoteError(Status.INTERNAL, "Received RST_STREAM with code 2")],
    [new RemoteError(Status.CANCELLED, "Call cancelled by the peer")],
    [new RemoteError(Status.RESOURCE_EXHAUSTED, "Received RST_STREAM with code 11")],
  ])("repeats a call that fails with %s", async (error) => {
    const call = aCall(error, error, "done");
    const patience = persistence({ clock: jumpingClock(), signal, giveUpAfterMs: 1_000 });
    expect(await patience.insist(call)).toBe("done");
    expect(call.count()).toBe(3);
    expect(patience.faults).toEqual(new Map([[error.code, 2]]));
  });

  test.each([
    [new RemoteError(Status.INTERNAL, "a defect", { reason: "INTERNAL" })],
    [new RemoteError(Status.INVALID_ARGUMENT, "wrong", { reason: "VALIDATION_FAILED" })],
    [new RemoteError(Status.FAILED_PRECONDITION, "dearer", { reason: "PRICE_CHANGED" })],
    [new RemoteError(Status.NOT_FOUND, "gone", { reason: "PRODUCT_NOT_FOUND" })],
    [new RemoteError(Status.RESOURCE_EXHAUSTED, "too many", { reason: "RATE_LIMITED" })],
  ])("does not repeat a call that fails with %s", async (error) => {
    const call = aCall(error, "done");
    const patience = persistence({ clock: jumpingClock(), signal, giveUpAfterMs: 1_000 });
    await expect(patience.insist(call)).rejects.toBe(error);
    expect(call.count()).toBe(1);
  });

  test("waits longer from try to try, up to two seconds, and as long as the service asks for", async () => {
    const clock = jumpingClock();
    const later = new RemoteError(Status.UNAVAILABLE, "later", { retryAfterMs: 5_000 });
    const call = aCall(away, away, away, away, away, away, later, "done");
    await persistence({ clock, signal, giveUpAfterMs: 60_000 }).insist(call);
    expect(clock.slept).toEqual([100, 200, 400, 800, 1_600, 2_000, 5_000]);
  });

  test("gives up when the time is over, and then tries each further call once", async () => {
    const patience = persistence({ clock: jumpingClock(), signal, giveUpAfterMs: 1_000 });
    const [first, second] = [aCall(away), aCall(away)];
    await expect(patience.insist(first)).rejects.toBe(away);
    expect(first.count()).toBe(5);
    expect(patience.hopeless).toBe(true);
    await expect(patience.insist(second)).rejects.toBe(away);
    expect(second.count()).toBe(1);
  });

  test("has hope again once a service has answered", async () => {
    const patience = persistence({ clock: jumpingClock(), signal, giveUpAfterMs: 1_000 });
    await patience.insist(aCall(away)).catch(() => undefined);
    await patience.insist(aCall("done"));
    expect(patience.hopeless).toBe(false);
  });

  test("knows when the last fault was seen", async () => {
    const clock = jumpingClock();
    const patience = persistence({ clock, signal, giveUpAfterMs: 1_000 });
    await clock.sleep(500, signal);
    await patience.insist(aCall("done"));
    expect(patience.disturbedAt).toBe(0);
    await patience.insist(aCall(away, "done"));
    expect(patience.disturbedAt).toBe(500);
  });

  test("ends at once when the replay is interrupted", async () => {
    const interrupt = new AbortController();
    const patience = persistence({ clock: jumpingClock(), signal: interrupt.signal, giveUpAfterMs: 1_000 });
    const call = aCall(away);
    interrupt.abort();
    await expect(patience.insist(call)).rejects.toBe(away);
    expect(call.count()).toBe(1);
  });
});
