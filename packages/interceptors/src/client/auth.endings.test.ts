// SPDX-License-Identifier: MIT
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { setup, tick } from "../testing/client-auth.ts";
import { type FakeAttempt, FakeCall } from "../testing/client-call.ts";
import { auth, type Token } from "./auth.ts";

const bearerOf = (attempt: FakeAttempt | undefined) => attempt?.header("authorization");
const refuse = (attempt: FakeAttempt): void => attempt.end(status.UNAUTHENTICATED);

describe("auth(), when a token or the call does not come", () => {
  test("T5: UNAVAILABLE as well when the new token after a refusal cannot be had", async () => {
    const { call, warm, source } = setup();
    await warm();
    const refused = call().start();
    source.next = Promise.reject(new Error("The issuer is down"));
    refuse(refused.attempt);
    await tick();
    expect(refused.statuses).toMatchObject([{ code: status.UNAVAILABLE }]);
  });

  test("the deadline holds while a token is waited for, and leaves no timer behind", async () => {
    const { call, clock, source } = setup();
    const token = Promise.withResolvers<Token>();
    source.next = token.promise;
    const late = call({ deadline: clock.now() + 100 }).start();
    clock.advance(100);
    await tick();
    expect(late.statuses).toMatchObject([{ code: status.DEADLINE_EXCEEDED }]);
    token.resolve({ value: "late" });
    await tick();
    expect(late.attempts).toEqual([]);
    const next = call({ deadline: clock.now() + 100 }).start();
    expect(bearerOf(next.attempt)).toBe("Bearer late");
    expect(clock.pending).toBe(0);
  });

  test("a call that waits can be cancelled, before or after its start", async () => {
    const { call, clock } = setup();
    const waiting = call({ deadline: clock.now() + 100 }).start();
    waiting.cancel();
    const unstarted = call();
    unstarted.cancel();
    await tick();
    unstarted.start();
    await tick();
    for (const { attempts, messages, statuses } of [waiting, unstarted]) {
      expect(attempts).toEqual([]);
      expect(messages).toEqual([null]);
      expect(statuses).toMatchObject([{ code: status.CANCELLED }]);
    }
    expect(clock.pending).toBe(0);
  });

  test("a cancelled call is not sent again", async () => {
    const { call, warm } = setup();
    await warm();
    const cancelled = call().start();
    refuse(cancelled.attempt);
    cancelled.cancel();
    await tick();
    expect(cancelled.attempts).toHaveLength(1);
    expect(cancelled.statuses).toMatchObject([{ code: status.CANCELLED }]);
  });

  test("a channel that was closed meanwhile ends the call, not the process", async () => {
    const closed = new FakeCall([
      auth({ token: async () => ({ value: "token" }) }),
      () => {
        throw new Error("Channel has been shut down");
      },
    ]).start();
    await tick();
    expect(closed.statuses).toMatchObject([{ code: status.INTERNAL }]);
  });
});
