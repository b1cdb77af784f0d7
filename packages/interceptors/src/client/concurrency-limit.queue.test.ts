// SPDX-License-Identifier: MIT
import { AsyncLocalStorage } from "node:async_hooks";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { detailsOf, isLocal } from "../status.ts";
import type { FakeCall } from "../testing/client-call.ts";
import { refusal, setUp } from "../testing/limited-call.ts";

const isStarted = (call: FakeCall | undefined) => call?.attempts.length === 1;

describe("concurrencyLimit(), beyond the limit", () => {
  test("C1: an attempt beyond the limit is refused with RESOURCE_EXHAUSTED, without RetryInfo, and goes nowhere", async () => {
    const { open } = setUp({ limit: 2 });
    const held = [open(), open()];
    const refused = open();
    const result = await refusal(refused);
    expect(result.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(isLocal(result)).toBe(true);
    expect(detailsOf(result.metadata)).toMatchObject({ reason: "CLIENT_CONCURRENCY_LIMIT" });
    expect(detailsOf(result.metadata)).not.toHaveProperty("retryAfterMs");
    expect(refused.messages).toEqual([null]);
    held[0]?.attempt.succeed();
    expect(isStarted(open())).toBe(true);
  });

  test("C1: a call that waits starts when a permit is free, with all that its caller has sent", () => {
    const { open, clock } = setUp({ limit: 1, queue: { size: 2 } });
    const first = open();
    const waiting = open({ requestStream: true, responseStream: true, metadata: { a: "b" } });
    waiting.call.sendMessage("one");
    waiting.call.startRead();
    waiting.call.sendMessage("two");
    waiting.call.halfClose();
    expect(waiting.call.getPeer()).toBe("");
    expect(isStarted(waiting)).toBe(false);
    first.attempt.succeed();
    expect(waiting.attempt).toMatchObject({ messages: ["one", "two"], reads: 1, halfClosed: true });
    expect(waiting.attempt.header("a")).toBe("b");
    waiting.attempt.sendMessage("answer");
    waiting.attempt.end(status.OK);
    expect(waiting.messages).toEqual(["answer"]);
    expect(waiting.statuses.map(({ code }) => code)).toEqual([status.OK]);
    expect(clock.pending).toBe(0);
  });

  test("C1: who waits when its deadline passes is dropped, and nothing of it is started later", async () => {
    const { open, clock, events } = setUp({ limit: 1, queue: { size: 2 } });
    const first = open();
    const waiting = open({ deadline: clock.now() + 100 });
    clock.advance(99);
    expect(waiting.statuses).toHaveLength(0);
    clock.advance(1);
    const result = await refusal(waiting);
    expect(result.code).toBe(status.DEADLINE_EXCEEDED);
    expect(isLocal(result)).toBe(true);
    first.attempt.succeed();
    expect(isStarted(waiting)).toBe(false);
    expect(events.map(({ kind }) => kind)).toEqual(["queued", "expired"]);
    expect(events[0]).toMatchObject({ limit: 1, inFlight: 1, priority: "default" });
    expect(clock.pending).toBe(0);
  });

  test("C1: nobody waits for longer than maxWaitMs", async () => {
    const { open, clock } = setUp({ limit: 1, queue: { size: 2, maxWaitMs: 50 } });
    open();
    const waiting = open({ deadline: clock.now() + 100 });
    clock.advance(50);
    expect((await refusal(waiting)).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(clock.pending).toBe(0);
  });

  test("C1: the line is bounded, and the newest is served first while it is long", async () => {
    const { open } = setUp({ limit: 1, queue: { size: 3 } });
    const first = open();
    const [a, b, c, d] = [open(), open(), open(), open()];
    expect((await refusal(a)).code).toBe(status.RESOURCE_EXHAUSTED);
    first.attempt.succeed();
    expect([b, c, d].map(isStarted)).toEqual([false, false, true]);
    d.attempt.succeed();
    c.attempt.succeed();
    expect(isStarted(b)).toBe(true);
  });

  test("C1: who cancels while waiting is gone, without a call below", async () => {
    const { open, clock } = setUp({ limit: 1, queue: { size: 3 } });
    const first = open();
    const waiting = open({ requestStream: true });
    const written = new Promise<void>((resolve) => {
      waiting.call.sendMessageWithContext({ callback: () => resolve() }, "a");
    });
    waiting.cancel();
    expect((await refusal(waiting)).code).toBe(status.CANCELLED);
    await written;
    await new Promise<void>((resolve) => {
      waiting.call.sendMessageWithContext({ callback: () => resolve() }, "b");
    });
    first.attempt.succeed();
    expect(isStarted(waiting)).toBe(false);
    expect(clock.pending).toBe(0);
  });

  test("C1: what starts later does so in its caller's context", () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const { open } = setUp({ limit: 1, queue: { size: 1 } });
    const first = open();
    storage.run("caller", () => open({ answer: () => void seen.push(storage.getStore()) }));
    storage.run("somebody else", () => first.attempt.succeed());
    expect(seen).toEqual(["caller"]);
  });
});
