// SPDX-License-Identifier: MIT
import { AsyncLocalStorage } from "node:async_hooks";
import { InterceptingCall, type Interceptor, Metadata, type StatusObject, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newContext, type Priority, rpcContext } from "../context.ts";
import { detailsOf, isLocal, localStatus } from "../status.ts";
import { type CallShape, FakeCall } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import {
  AimdLimit,
  concurrencyLimit,
  type ConcurrencyLimitEvent,
  type ConcurrencyLimitOptions,
} from "./concurrency-limit.ts";

function setUp(options: ConcurrencyLimitOptions) {
  const clock = new ManualClock();
  const events: ConcurrencyLimitEvent[] = [];
  const interceptor = concurrencyLimit({ observe: (event) => void events.push(event), ...options }, { clock });
  return {
    clock,
    events,
    interceptor,
    open: (shape: CallShape = {}) => new FakeCall(interceptor, shape).start(),
  };
}

/** A call that is refused is told so in a later turn. */
async function refusal(call: FakeCall): Promise<StatusObject> {
  await Promise.resolve();
  expect(call.statuses).toHaveLength(1);
  expect(call.attempts).toHaveLength(0);
  return call.status as StatusObject;
}

const isStarted = (call: FakeCall | undefined) => call?.attempts.length === 1;

describe("concurrencyLimit()", () => {
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

  test("C2: a drop is UNAVAILABLE or DEADLINE_EXCEEDED from a server; other errors say nothing", () => {
    const samples: boolean[] = [];
    const limit = { current: 100, add: ({ dropped }: { dropped: boolean }) => void samples.push(dropped) };
    const { open } = setUp({ limit });
    for (const code of Object.values(status).filter((each) => typeof each === "number")) open().attempt.end(code);
    const local = localStatus(status.UNAVAILABLE, "Cannot call", { reason: "OVERLOADED" });
    open().attempt.endWith(local);
    open().cancel();
    // OK, DEADLINE_EXCEEDED (4), UNAVAILABLE (14)
    expect(samples).toEqual([false, true, true]);
  });

  test("C2: a response stream is measured by its first message, a request stream not at all", () => {
    const samples: number[] = [];
    const limit = {
      current: 100,
      add: (sample: { startedAt: number; now: number }) => void samples.push(sample.now - sample.startedAt),
    };
    const { open, clock } = setUp({ limit });
    const response = open({ responseStream: true });
    const request = open({ requestStream: true });
    clock.advance(20);
    response.attempt.sendMessage("a");
    clock.advance(1_000);
    for (const { attempt } of [response, request]) attempt.succeed();
    expect(samples).toEqual([20]);
  });

  test("C2: with an adaptive limit more attempts are let through as answers come", () => {
    const { open } = setUp({ limit: new AimdLimit({ min: 2, max: 10 }) });
    const fill = () => Array.from({ length: 12 }, () => open()).filter(isStarted);
    const counts = Array.from({ length: 4 }, () => {
      const calls = fill();
      for (const { attempt } of calls) attempt.succeed();
      return calls.length;
    });
    expect(counts).toEqual([2, 4, 7, 10]);
  });

  test("C3: a permit comes back however the attempt ends, once", () => {
    const { open } = setUp({ limit: 1 });
    const ends: ((call: FakeCall) => void)[] = [
      (call) => call.attempt.succeed(),
      (call) => call.attempt.end(status.INTERNAL),
      (call) => call.cancel(),
      (call) => (call.cancel(), call.cancel(), call.attempt.succeed()),
    ];
    for (const end of ends) {
      const call = open();
      end(call);
      expect(call.statuses).toHaveLength(1);
      const [next, beyond] = [open(), open()];
      expect([next, beyond].map(isStarted)).toEqual([true, false]);
      next.attempt.succeed();
    }
  });

  test("C3: a permit comes back when what is further in throws, into the caller or into a later start", async () => {
    const { open, interceptor } = setUp({ limit: 1, queue: { size: 5 } });
    const broken = () => {
      throw new Error("broken");
    };
    expect(() => new FakeCall([interceptor, broken]).start()).toThrow("broken");
    const first = open();
    const waiting = new FakeCall([interceptor, broken]).start();
    const last = open();
    first.attempt.succeed();
    expect(first.statuses.map(({ code }) => code)).toEqual([status.OK]);
    expect((await refusal(waiting)).code).toBe(status.INTERNAL);
    expect(isStarted(last)).toBe(true);
  });

  test("C3: a cancelled attempt gives its permit back before its status comes, and not again then", () => {
    const { interceptor, open } = setUp({ limit: 1 });
    const deaf: Interceptor = (options, nextCall) =>
      new InterceptingCall(nextCall(options), { cancel: () => undefined });
    const call = new FakeCall([interceptor, deaf]).start();
    call.cancel();
    const next = open();
    expect(isStarted(next)).toBe(true);
    call.attempt.end(status.CANCELLED);
    expect(call.statuses).toHaveLength(1);
    expect(isStarted(open())).toBe(false);
  });

  test("C3: a listener that throws gives the permit back and ends the attempt", () => {
    const { interceptor, open } = setUp({ limit: 1 });
    const call = new FakeCall(interceptor, { responseStream: true });
    call.call.start(new Metadata(), {
      onReceiveMessage: () => {
        throw new Error("broken");
      },
    });
    expect(() => call.attempt.sendMessage("a")).toThrow("broken");
    expect(call.attempt.cancelled).toBe(status.CANCELLED);
    expect(isStarted(open())).toBe(true);
  });

  test("C3: 10,000 random interleavings: permits add up, one status each, nothing left", async () => {
    const step = fc.tuple(fc.constantFrom("open", "ok", "fail", "cancel", "broken", "throwing", "wait"), fc.nat(99));
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 2), async (steps, size) => {
      const clock = new ManualClock();
      const interceptor = concurrencyLimit(
        { limit: 3, ...(size > 0 && { queue: { size, maxWaitMs: 50 } }) },
        { clock },
      );
      const calls: FakeCall[] = [];
      const silent: FakeCall[] = [];
      const broken = () => {
        throw new Error("broken");
      };
      const running = () => [...calls, ...silent].filter((call) => isStarted(call) && isRunning(call));
      for (const [kind, n] of steps) {
        const target = running()[n % Math.max(1, running().length)];
        switch (kind) {
          case "open":
            calls.push(
              new FakeCall(interceptor, { deadline: clock.now() + 20 + n, responseStream: n % 2 === 0 }).start(),
            );
            break;
          case "broken": {
            const call = new FakeCall([interceptor, broken]);
            // At once into the caller; after a wait as a status.
            if (throws(() => call.start())) silent.push(call);
            else calls.push(call);
            break;
          }
          case "throwing": {
            // A listener that throws at the first message.
            const call = new FakeCall(interceptor, { responseStream: true });
            const listener = {
              onReceiveMessage: broken,
              onReceiveStatus: (result: StatusObject) => void call.statuses.push(result),
            };
            call.call.start(new Metadata(), listener);
            calls.push(call);
            break;
          }
          case "ok":
            throws(() => target?.attempt.succeed());
            break;
          case "fail":
            target?.attempt.end(status.UNAVAILABLE);
            break;
          case "cancel":
            (n % 2 === 0 ? target : calls[n % Math.max(1, calls.length)])?.cancel();
            break;
          default:
            clock.advance(n);
        }
        expect(running().length).toBeLessThanOrEqual(3);
      }
      for (const _ of calls) throws(() => running()[0]?.attempt.succeed());
      await Promise.resolve();
      expect(calls.map(({ statuses }) => statuses.length)).toEqual(calls.map(() => 1));
      expect(clock.pending).toBe(0);
      const again = Array.from({ length: 5 }, () => new FakeCall(interceptor).start());
      expect(again.filter(isStarted)).toHaveLength(3);
    });
    await fc.assert(property, { numRuns: 10_000 });
  }, 60_000);

  test("C4: the priority is the method's, else that of the incoming call, else default", async () => {
    const priorities: Record<string, Priority> = { "/critical": "critical", "/sheddable": "sheddable" };
    const { open, events } = setUp({
      limit: 1,
      queue: { size: 9 },
      shares: {},
      methods: (path) => (priorities[path] ? { priority: priorities[path] } : undefined),
    });
    open();
    const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false };
    rpcContext.run(newContext({ requestId: "r", trace, priority: "sheddable" }), () => {
      open({ path: "/critical" });
      open({ path: "/other" });
    });
    open({ path: "/sheddable" });
    open({ path: "/other" });
    expect(events.map(({ priority }) => priority)).toEqual(["critical", "sheddable", "sheddable", "default"]);
  });

  test("C4: each priority gets what it is guaranteed, and waits in its order", () => {
    const { open } = setUp({
      limit: 10,
      queue: { size: 100 },
      methods: (path) => ({ priority: path.slice(1) as Priority }),
    });
    const flood = (path: string) => Array.from({ length: 20 }, () => open({ path }));
    const sheddable = flood("/sheddable");
    const normal = flood("/default");
    const critical = flood("/critical");
    expect([sheddable, normal, critical].map((each) => each.filter(isStarted).length)).toEqual([7, 1, 2]);
    sheddable.find(isStarted)?.attempt.succeed();
    expect(critical.filter(isStarted)).toHaveLength(3);
  });

  test("attempts in flight at a real server never exceed the limit", async () => {
    let [inFlight, most] = [0, 0];
    await using server = await rawServer({
      Get: (call) => {
        most = Math.max(most, ++inFlight);
        setTimeout(() => {
          inFlight -= 1;
          call.end();
        }, 5);
      },
    });
    const interceptors = [concurrencyLimit({ limit: 3, queue: { size: 100, maxWaitMs: 10_000 } })];
    using client = rawClient(server.target, { interceptors });
    const one = () =>
      new Promise<number>((resolve) => {
        const stream = client.open("Get", new Metadata());
        stream.on("error", (error: Error & { code: number }) => resolve(error.code));
        stream.on("end", () => resolve(status.OK));
        stream.resume();
        stream.end(Buffer.from("x"));
      });
    expect(await Promise.all(Array.from({ length: 30 }, one))).toEqual(Array.from({ length: 30 }, () => status.OK));
    expect(most).toBe(3);
  });

  test.each([
    [{ limit: 0 }],
    [{ limit: Number.NaN }],
    [{ limit: 1, queue: { size: 0 } }],
    [{ limit: 1, queue: { size: 1, maxWaitMs: 0 } }],
    [{ limit: 1, shares: { critical: 0.6, default: 0.5 } }],
    [{ limit: 1, shares: { critical: -1 } }],
  ])("refuses %j at construction", (options) => {
    expect(() => concurrencyLimit(options)).toThrow(RangeError);
  });

  test.each<[object, string]>([
    [{ limit: 1.9 }, "limit must be a whole number, 1 to 1000000, is 1.9"],
    [{ limit: "10" }, "limit must be a whole number, 1 to 1000000, is 10"],
    [{ limit: 10, queue: { size: 5.5 } }, "queue.size must be a whole number, 1 to 1000000, is 5.5"],
    [{ limit: 10, queue: { size: 5, maxWait: 5 } }, 'there is no option of queue "maxWait"'],
    [{ limit: 10, shares: { critcal: 0.5 } }, 'there is no priority "critcal"'],
    [{ limit: 10, shares: { critical: 1 } }, 'shares must leave something to "default", are all of the limit'],
    [{ limit: 10, shares: { critical: 0.7, default: 0.3 } }, 'shares must leave something to "sheddable"'],
    [{ limit: 4, shares: { critical: 0.2 } }, "a share of 0.2 has no effect, it must be 1 or more of the 4"],
    [{ limit: 10, max: 10 }, 'there is no option "max"'],
  ])("refuses %j at construction, and says why", (options, text) => {
    expect(() => concurrencyLimit(options as never)).toThrow(`Cannot build concurrency limit: ${text}`);
  });

  test("takes shares that are the whole limit, if every priority has one", () => {
    const shares = { critical: 0.5, default: 0.3, sheddable: 0.2 };
    expect(() => concurrencyLimit({ limit: 5, shares })).not.toThrow();
    expect(() => concurrencyLimit({ limit: new AimdLimit({ min: 1 }), shares: { critical: 0.2 } })).not.toThrow();
  });
});

function isRunning(call: FakeCall): boolean {
  return call.statuses.length === 0 && call.attempt.cancelled === undefined;
}

function throws(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}
