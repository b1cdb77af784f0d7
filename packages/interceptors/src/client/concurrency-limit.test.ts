// SPDX-License-Identifier: MIT
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, type Priority, rpcContext } from "../context.ts";
import { localStatus } from "../status.ts";
import type { FakeCall } from "../testing/client-call.ts";
import { setUp } from "../testing/limited-call.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { AimdLimit, concurrencyLimit } from "./concurrency-limit.ts";

const isStarted = (call: FakeCall | undefined) => call?.attempts.length === 1;

describe("concurrencyLimit()", () => {
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
