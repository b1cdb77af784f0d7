// SPDX-License-Identifier: MIT
import { InterceptingCall, type Interceptor, Metadata, type StatusObject, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FakeCall } from "../testing/client-call.ts";
import { refusal, setUp } from "../testing/limited-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { concurrencyLimit } from "./concurrency-limit.ts";

const isStarted = (call: FakeCall | undefined) => call?.attempts.length === 1;

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

describe("permits of concurrencyLimit()", () => {
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
});
