// SPDX-License-Identifier: MIT
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { harmless, newContext, type RpcContext, rpcContext, systemClock } from "./context.ts";

const LONGEST_MS = 2 ** 31 - 1;

const trace = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: true };

function aContext(known: Partial<RpcContext> = {}): RpcContext {
  return newContext({ requestId: "request-1", trace, ...known });
}

describe("systemClock", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("D5: a timeout of more than 2^31-1 ms does not fire at once, but when it is due", () => {
    const run = vi.fn<() => void>();
    systemClock.setTimeout(run, LONGEST_MS * 2 + 5);
    vi.advanceTimersByTime(LONGEST_MS * 2 + 4);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
  });

  test("can cancel a long timeout after its first step", () => {
    const run = vi.fn<() => void>();
    const timer = systemClock.setTimeout(run, LONGEST_MS + 5);
    vi.advanceTimersByTime(LONGEST_MS + 1);
    timer.cancel();
    vi.advanceTimersByTime(LONGEST_MS);
    expect(run).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("waits for ever for Infinity, and without a timer", () => {
    systemClock.setTimeout(() => undefined, Infinity).cancel();
    systemClock.setTimeout(() => undefined, Infinity);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("runs at once, but not inside the call, what is due already", () => {
    const run = vi.fn<() => void>();
    systemClock.setTimeout(run, -5);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(0);
    expect(run).toHaveBeenCalledOnce();
  });
});

describe("rpcContext", () => {
  test("is there for what is awaited inside, and gone outside", async () => {
    const context = aContext();
    await rpcContext.run(context, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      expect(rpcContext.get()).toBe(context);
    });
    expect(rpcContext.get()).toBeUndefined();
  });

  test("D7: detached work has no deadline and is not cancelled, but keeps trace, request id, priority and principal", () => {
    const principal = { id: "svc-order", roles: ["service"] };
    const context = aContext({ deadline: 5, priority: "critical", principal, previousAttempts: 2, retryCredit: 0 });
    rpcContext.run(context, () => {
      rpcContext.detached(() => {
        const inside = rpcContext.get();
        expect(inside).toMatchObject({ requestId: "request-1", trace, priority: "critical", principal });
        expect(inside).toMatchObject({ deadline: Infinity, previousAttempts: 0, retryCredit: Infinity });
        context.cancel(new Error("The caller went away"));
        expect(context.signal.aborted).toBe(true);
        expect(inside?.signal.aborted).toBe(false);
      });
      expect(rpcContext.get()).toBe(context);
    });
  });

  test("D7: detached keeps an absent principal absent, and is plain where there is no context", () => {
    rpcContext.run(aContext(), () =>
      rpcContext.detached(() => expect(rpcContext.get()).not.toHaveProperty("principal")),
    );
    expect(rpcContext.detached(() => rpcContext.get())).toBeUndefined();
  });
});

describe("newContext()", () => {
  test("has no limits unless told", () => {
    const context = aContext();
    expect(context).toMatchObject({
      deadline: Infinity,
      priority: "default",
      previousAttempts: 0,
      retryCredit: Infinity,
    });
    expect(context.retries).toEqual({ exhausted: false });
    expect(context.signal.aborted).toBe(false);
  });

  test("cancels with the first reason", () => {
    const context = aContext();
    const first = new Error("first");
    context.cancel(first);
    context.cancel(new Error("second"));
    expect(context.signal.reason).toBe(first);
  });
});

describe("harmless()", () => {
  test("E7: what an observer throws or rejects with is a warning; the next event comes to it all the same", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockReturnValue(undefined);
    const seen: string[] = [];
    const observe = harmless((event: "throw" | "reject") => {
      seen.push(event);
      if (event === "throw") throw new Error("thrown");
      // What an async function comes to; the type of an observer lets one pass.
      return Promise.reject(new Error("rejected")) as never;
    });
    observe?.("throw");
    observe?.("reject");
    await vi.waitFor(() => expect(warned).toHaveBeenCalledTimes(2));
    expect(warned.mock.calls.map(([warning]) => warning)).toEqual([new Error("thrown"), new Error("rejected")]);
    expect(seen).toEqual(["throw", "reject"]);
    warned.mockRestore();
  });

  test("is nothing where there is no observer: nobody makes events for it", () => {
    expect(harmless(undefined)).toBeUndefined();
  });
});
