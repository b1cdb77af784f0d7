// SPDX-License-Identifier: MIT
import { getEventListeners } from "node:events";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newContext, type RpcContext, rpcContext } from "../context.ts";
import { detailsOf, isLocal } from "../status.ts";
import { type CallShape, FakeCall } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { type DeadlineEvent, type DeadlineOptions, deadline, effectiveDeadline } from "./deadline.ts";

const NOW = 1_000_000;
const margin = { marginRatio: 0.05, minMarginMs: 5, maxMarginMs: 50 };
const none = { now: NOW, explicit: Infinity, inherited: Infinity, defaultMs: Infinity, hardMaxMs: Infinity };
const tick = () => new Promise((resolve) => setImmediate(resolve));

function aContext(known: Partial<RpcContext> = {}): RpcContext {
  const trace = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: true };
  return newContext({ requestId: "request-1", trace, ...known });
}

function callWith(options: Partial<DeadlineOptions>, shape: CallShape = {}, clock = new ManualClock()): FakeCall {
  return new FakeCall(deadline({ methods: () => undefined, defaultMs: 1_000, ...options }, { clock }), shape);
}

function callWithout(options: Omit<DeadlineOptions, "methods">): FakeCall {
  return new FakeCall(deadline({ methods: () => undefined, ...options }, { clock: new ManualClock() }));
}

describe("effectiveDeadline()", () => {
  test.each([
    ["the call's own", { explicit: NOW + 10 }, NOW + 10],
    ["the parent's, less the margin", { inherited: NOW + 200 }, NOW + 190],
    ["the method's", { defaultMs: 30 }, NOW + 30],
    ["the hard maximum", { hardMaxMs: 40 }, NOW + 40],
    ["none", {}, Infinity],
    ["an invalid Date, which is none", { explicit: Number.NaN, defaultMs: 30 }, NOW + 30],
  ])("D1: takes %s", (_, given, expected) => {
    expect(effectiveDeadline({ ...none, ...given }, margin)).toBe(expected);
  });

  test("D1: is the earliest of all sources, whichever that is", () => {
    const ms = fc.integer({ min: 100, max: 1e6 });
    fc.assert(
      fc.property(ms, ms, ms, ms, (explicit, inherited, defaultMs, hardMaxMs) => {
        const sources = { now: NOW, explicit: NOW + explicit, inherited: NOW + inherited, defaultMs, hardMaxMs };
        const kept = Math.min(50, Math.max(5, inherited * 0.05));
        const earliest = NOW + Math.min(explicit, inherited - kept, defaultMs, hardMaxMs);
        expect(effectiveDeadline(sources, margin)).toBeCloseTo(earliest, 6);
      }),
    );
  });

  test.each([
    [5, undefined],
    [6, 1],
    [100, 95],
    [400, 380],
    [1_000, 950],
    [60_000, 59_950],
  ])("D2: of %d ms that are left to the parent, the call gets %s", (left, expected) => {
    const effective = effectiveDeadline({ ...none, inherited: NOW + left }, margin);
    expect(effective).toBe(expected === undefined ? undefined : NOW + expected);
  });

  test("D5: brings a deadline of more than 2^31-1 ms down to what every peer can compute", () => {
    const farthest = NOW + 2_147_483_000;
    expect(effectiveDeadline({ ...none, explicit: farthest + 1 }, margin)).toBe(farthest);
    expect(effectiveDeadline({ ...none, explicit: Number.MAX_SAFE_INTEGER }, margin)).toBe(farthest);
    expect(effectiveDeadline({ ...none, explicit: farthest }, margin)).toBe(farthest);
  });
});

describe("deadline()", () => {
  test("D1: gives the call an absolute deadline once, from its method, else from the default", () => {
    const methods = (path: string) => (path === "/a/Fast" ? { deadlineMs: 100 } : undefined);
    expect(callWith({ methods }, { path: "/a/Fast" }).start().attempt.options.deadline).toBe(NOW + 100);
    expect(callWith({ methods }, { path: "/a/Other" }).start().attempt.options.deadline).toBe(NOW + 1_000);
  });

  test("D1: the call's own deadline only shortens", () => {
    expect(callWith({}, { deadline: NOW + 10 }).attempt.options.deadline).toBe(NOW + 10);
    expect(callWith({}, { deadline: NOW + 9_999 }).attempt.options.deadline).toBe(NOW + 1_000);
    expect(callWith({ hardMaxMs: 500 }).attempt.options.deadline).toBe(NOW + 500);
  });

  test("D2: inherits from the call that is being handled, less the margin", () => {
    rpcContext.run(aContext({ deadline: NOW + 200 }), () => {
      expect(callWith({}).attempt.options.deadline).toBe(NOW + 190);
    });
  });

  test.each([
    ["unary", {}, 1],
    ["server streaming", { responseStream: true }, 0],
    ["client streaming", { requestStream: true }, 1],
    ["bidi", { requestStream: true, responseStream: true }, 0],
  ])("D2: with nothing left but the margin, a %s call fails here and calls nobody", async (_, shape, messages) => {
    const events: DeadlineEvent[] = [];
    const call = rpcContext.run(aContext({ deadline: NOW + 5 }), () =>
      callWith({ observe: (event) => events.push(event) }, shape).start(),
    );
    expect(call.statuses).toEqual([]);
    await tick();
    expect(call.attempts).toEqual([]);
    expect(call.statuses).toHaveLength(1);
    expect(call.messages).toHaveLength(messages);
    expect(call.status?.code).toBe(status.DEADLINE_EXCEEDED);
    expect(call.status && isLocal(call.status)).toBe(true);
    expect(detailsOf(call.status?.metadata)?.reason).toBe("DEADLINE_TOO_SHORT");
    expect(events).toEqual([{ kind: "refused", path: "/test.v1.Test/Get", leftMs: 5 }]);
  });

  test("D2: a writer of a refused stream is not kept waiting", () => {
    const call = rpcContext.run(aContext({ deadline: NOW }), () => callWith({}, { requestStream: true }).start());
    let told = 0;
    call.call.sendMessageWithContext({ callback: () => void (told += 1) }, "first");
    expect(told).toBe(1);
  });

  test("D2: a call whose own deadline has passed fails here too", async () => {
    const call = callWith({}, { deadline: NOW - 1 }).start();
    await tick();
    expect(call.attempts).toEqual([]);
    expect(detailsOf(call.status?.metadata)?.reason).toBe("DEADLINE_TOO_SHORT");
  });

  test("D4: is not built without a default, unless calls may be infinite", () => {
    const methods = () => undefined;
    expect(() => deadline({ methods })).toThrow(/defaultMs/);
    expect(() => deadline({ methods, allowInfinite: "streams" })).toThrow(/defaultMs/);
    expect(callWithout({ allowInfinite: true }).attempt.options.deadline).toBe(Infinity);
  });

  test("D4: streams may opt out of the default, not of their method's own deadline", () => {
    const streams = { allowInfinite: "streams" } as const;
    expect(callWith(streams, { responseStream: true }).attempt.options.deadline).toBe(Infinity);
    expect(callWith(streams, { requestStream: true }).attempt.options.deadline).toBe(Infinity);
    expect(callWith(streams, {}).attempt.options.deadline).toBe(NOW + 1_000);
    const methods = () => ({ deadlineMs: 70 });
    expect(callWith({ ...streams, methods }, { responseStream: true }).attempt.options.deadline).toBe(NOW + 70);
  });

  test.each([
    [{ defaultMs: 0 }, /defaultMs must be 1 to Infinity, is 0/],
    [{ hardMaxMs: Number.NaN }, /hardMaxMs must be 1 to Infinity, is NaN/],
    [{ marginRatio: 1.5 }, /marginRatio must be 0 to 1, is 1.5/],
    [{ minMarginMs: 60 }, /minMarginMs must be 0 to 50, is 60/],
    [{ maxMarginMs: -1 }, /Margin/],
  ])("refuses to be built with %o", (options, message) => {
    expect(() => deadline({ methods: () => undefined, defaultMs: 1, ...options })).toThrow(message);
  });

  test("adds no layer to a call that has no parent", () => {
    const lower = callWith({}).call;
    expect(lower).not.toHaveProperty("requester");
  });

  test.each([{}, { responseStream: true }, { requestStream: true }])(
    "D6: a call ends with CANCELLED when its parent does (%o)",
    (shape) => {
      const events: DeadlineEvent[] = [];
      const parent = aContext();
      const call = rpcContext.run(parent, () => callWith({ observe: (event) => events.push(event) }, shape).start());
      expect(call.attempt.cancelled).toBeUndefined();
      parent.cancel(new Error("The caller went away"));
      expect(call.attempt.cancelled).toBe(status.CANCELLED);
      expect(call.statuses.map(({ code }) => code)).toEqual([status.CANCELLED]);
      expect(events).toEqual([{ kind: "cancelled", path: "/test.v1.Test/Get" }]);
    },
  );

  test("D6: calls nobody once the parent has ended", async () => {
    const parent = aContext();
    parent.cancel(new Error("The caller went away"));
    const call = rpcContext.run(parent, () => callWith({}).start());
    await tick();
    expect(call.attempts).toEqual([]);
    expect(call.status?.code).toBe(status.CANCELLED);
    expect(call.status && isLocal(call.status)).toBe(true);
  });

  test("D6: 10,000 calls for one parent leave no listener behind, and none too many at a time", () => {
    const parent = aContext();
    rpcContext.run(parent, () => {
      for (let count = 0; count < 10_000; count += 1) {
        const call = callWith({}).start();
        expect(getEventListeners(parent.signal, "abort")).toHaveLength(1);
        if (count % 3 === 0) call.cancel();
        else call.attempt.succeed();
      }
    });
    expect(getEventListeners(parent.signal, "abort")).toEqual([]);
  });

  test("D6: 100 calls at once for one parent warn of nothing", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    const parent = aContext();
    const calls = rpcContext.run(parent, () => Array.from({ length: 100 }, () => callWith({}).start()));
    await tick();
    parent.cancel(new Error("The caller went away"));
    await tick();
    process.off("warning", onWarning);
    expect(calls.map(({ statuses }) => statuses.length)).toEqual(Array(100).fill(1));
    expect(warnings).toEqual([]);
  });

  test("hands everything on for a call with a parent", () => {
    const call = rpcContext.run(aContext(), () => callWith({}, { requestStream: true, responseStream: true }).start());
    call.call.sendMessage("one");
    call.call.startRead();
    call.call.halfClose();
    call.attempt.succeed("two");
    expect(call.attempt).toMatchObject({ messages: ["one"], reads: 1, halfClosed: true });
    expect(call).toMatchObject({ messages: ["two"], headers: [expect.anything()] });
    expect(call.statuses.map(({ code }) => code)).toEqual([status.OK]);
  });

  test("D7: a detached call inherits neither deadline nor cancellation", () => {
    const parent = aContext({ deadline: NOW + 100 });
    const call = rpcContext.run(parent, () => rpcContext.detached(() => callWith({}).start()));
    parent.cancel(new Error("The caller went away"));
    expect(call.attempt.options.deadline).toBe(NOW + 1_000);
    expect(call.attempt.cancelled).toBeUndefined();
  });
});
