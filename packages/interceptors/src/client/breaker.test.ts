// SPDX-License-Identifier: MIT
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { localStatus } from "../status.ts";
import { setUp } from "../testing/broken-circuit.ts";
import { type CallShape, FakeCall } from "../testing/client-call.ts";
import { Breakers, breaker, verdictOf } from "./breaker.ts";

const GET = "/test.v1.Test/Get";

describe("verdictOf()", () => {
  const expected: Record<keyof typeof status, ReturnType<typeof verdictOf>> = {
    OK: "success",
    CANCELLED: "ignored",
    UNKNOWN: "failure",
    INVALID_ARGUMENT: "success",
    DEADLINE_EXCEEDED: "failure",
    NOT_FOUND: "success",
    ALREADY_EXISTS: "success",
    PERMISSION_DENIED: "success",
    RESOURCE_EXHAUSTED: "failure",
    FAILED_PRECONDITION: "success",
    ABORTED: "success",
    OUT_OF_RANGE: "success",
    UNIMPLEMENTED: "success",
    INTERNAL: "failure",
    UNAVAILABLE: "failure",
    DATA_LOSS: "failure",
    UNAUTHENTICATED: "success",
  };
  test.each(Object.entries(expected))("B4: %s is %s", (name, verdict) => {
    const code = status[name as keyof typeof status];
    expect(verdictOf(code)).toBe(verdict);
    // The same through the interceptor: only failures open it.
    const kit = setUp();
    kit.calls(40, code);
    expect(kit.state(GET)).toBe(verdict === "failure" ? "open" : "closed");
  });

  test("B4: RESOURCE_EXHAUSTED can be left out", () => {
    const kit = setUp({ countResourceExhausted: false });
    kit.calls(40, status.RESOURCE_EXHAUSTED);
    expect(kit.breakers.list().map(({ calls, state }) => [calls, state])).toEqual([
      [0, "closed"],
      [0, "closed"],
    ]);
  });
});

describe("breaker()", () => {
  test("B2: an idle window expires by time", () => {
    const kit = setUp();
    kit.calls(19, status.UNAVAILABLE);
    kit.clock.advance(11_000);
    kit.call(status.UNAVAILABLE);
    expect(kit.state(GET)).toBe("closed");
    expect(kit.breakers.list().find(({ method }) => method === GET)?.calls).toBe(1);
  });

  test("B3: opens from 20 calls and half of them failed, not before", () => {
    const kit = setUp();
    kit.calls(10, status.OK);
    kit.calls(9, status.UNAVAILABLE);
    expect(kit.state(GET)).toBe("closed");
    kit.call(status.UNAVAILABLE);
    expect(kit.state(GET)).toBe("open");
  });

  test("B3: stays closed while fewer than half fail", () => {
    const kit = setUp();
    for (let i = 0; i < 500; i++) kit.call(i % 5 < 3 ? status.OK : status.INTERNAL);
    expect(kit.state(GET)).toBe("closed");
  });

  test("B3: opens when half of the calls are slow; a stream is never slow", () => {
    const kit = setUp({ slowCallMs: 200 });
    const slowly = (shape: CallShape) => {
      for (let i = 0; i < 20; i++) {
        const call = kit.open(shape);
        kit.clock.advance(201);
        call.attempt.succeed();
      }
    };
    slowly({ path: "/stream", responseStream: true });
    expect(kit.state("/stream")).toBe("closed");
    slowly({});
    expect(kit.state(GET)).toBe("open");
  });

  test("B3: opens within a second of a dependency failing at 100 calls/s, after ten good seconds too", () => {
    for (const goodCalls of [0, 1_000]) {
      const kit = setUp();
      for (let i = 0; i < goodCalls; i++) {
        kit.call(status.OK);
        kit.clock.advance(10);
      }
      const failsFrom = kit.clock.now();
      while (kit.call(status.UNAVAILABLE) !== undefined) kit.clock.advance(10);
      expect(kit.clock.now() - failsFrom).toBeLessThan(1_000);
    }
  });

  test("B3: failures in a row count only while they are in the window", () => {
    const kit = setUp();
    for (let i = 0; i < 100; i++) {
      kit.call(status.UNAVAILABLE);
      kit.clock.advance(1_000);
    }
    expect(kit.state(GET)).toBe("closed");
  });

  test("B4: errors of the caller never open it", () => {
    const kit = setUp();
    kit.calls(1_000, status.INVALID_ARGUMENT);
    kit.calls(1_000, status.NOT_FOUND);
    expect(kit.state(GET)).toBe("closed");
  });

  test("B4: a local refusal from further in is no failure", () => {
    const kit = setUp();
    const local = localStatus(status.UNAVAILABLE, "Cannot call", { reason: "OVERLOADED" });
    for (let i = 0; i < 100; i++) kit.open({ answer: (attempt) => attempt.endWith(local) });
    expect(kit.breakers.list().every(({ calls, state }) => calls === 0 && state === "closed")).toBe(true);
  });

  test("B4: DEADLINE_EXCEEDED counts, unless the call had less than 10 ms when it started", () => {
    const kit = setUp();
    kit.calls(100, status.DEADLINE_EXCEEDED, { deadline: kit.clock.now() + 9 });
    expect(kit.state(GET)).toBe("closed");
    kit.calls(20, status.DEADLINE_EXCEEDED, { deadline: kit.clock.now() + 10 });
    expect(kit.state(GET)).toBe("open");
  });

  test("B8: a stream counts when it ends", () => {
    const kit = setUp();
    const streams = Array.from({ length: 20 }, () => kit.open({ responseStream: true }));
    for (const { attempt } of streams) attempt.sendMessage("first");
    kit.clock.advance(29_999);
    expect(kit.breakers.list().find(({ method }) => method === GET)?.calls).toBe(0);
    for (const { attempt } of streams) attempt.end(status.UNAVAILABLE);
    expect(kit.state(GET)).toBe("open");
    expect(kit.clock.pending).toBe(0);
  });

  test("B8: a stream that is open for more than 30 s is a success from its first message on, however it ends", () => {
    const kit = setUp();
    const streams = Array.from({ length: 30 }, (_, i) => {
      const stream = kit.open({ responseStream: true });
      if (i < 15) stream.attempt.sendMessage("early");
      return stream;
    });
    kit.clock.advance(30_001);
    expect(kit.breakers.list().find(({ method }) => method === GET)).toMatchObject({ calls: 15, failures: 0 });
    for (const { attempt } of streams.slice(15)) attempt.sendMessage("late");
    kit.clock.advance(0);
    for (const { attempt } of streams) attempt.end(status.UNAVAILABLE);
    expect(kit.breakers.list().find(({ method }) => method === GET)).toMatchObject({ calls: 30, failures: 0 });
    expect(kit.clock.pending).toBe(0);
  });

  test("passes everything of a call on, both ways", () => {
    const kit = setUp();
    const call = kit.open({ requestStream: true, responseStream: true, metadata: { a: "b" } });
    call.call.sendMessage("one");
    call.call.startRead();
    call.call.halfClose();
    call.attempt.sendHeaders({ c: "d" });
    call.attempt.sendMessage("two");
    expect(call.attempt).toMatchObject({ messages: ["one"], reads: 1, halfClosed: true });
    expect(call.attempt.header("a")).toBe("b");
    expect(call.call.getPeer()).toBe("127.0.0.1:1");
    call.cancel();
    expect(call.attempt.cancelled).toBe(status.CANCELLED);
    expect(call.messages).toEqual(["two"]);
    expect(call.statuses.map(({ code }) => code)).toEqual([status.CANCELLED]);
  });

  test("a throw from further in is the caller's, and no failure of the server", () => {
    const breakers = new Breakers();
    const broken = () => {
      throw new Error("broken");
    };
    for (let i = 0; i < 50; i++) {
      const call = new FakeCall([breaker({ target: "payment:1", breakers }), broken]);
      expect(() => call.start()).toThrow("broken");
    }
    expect(breakers.list().every(({ state }) => state === "closed")).toBe(true);
  });

  test.each([
    ["failureRate", 0],
    ["failureRate", 1.1],
    ["minCalls", 0],
    ["probes", Number.NaN],
    ["openMs", -1],
  ])("refuses %s: %d at construction", (name, value) => {
    expect(() => new Breakers({ [name]: value })).toThrow(`${name} must be`);
  });

  test.each<[object, string]>([
    [{ openMs: 40_000 }, "openMs must be 1 to 30000, is 40000"],
    [{ maxOpenMs: 4_000 }, "openMs must be 1 to 4000, is 5000"],
    [{ probes: 2.5 }, "probes must be a whole number, 1 or more, is 2.5"],
    [{ minCalls: 2.5 }, "minCalls must be a whole number, 1 or more, is 2.5"],
    [{ failuresInARow: 1.5 }, "failuresInARow must be a whole number, 1 or more, is 1.5"],
    [{ maxCircuits: 0.5 }, "maxCircuits must be a whole number, 1 or more, is 0.5"],
    [{ probes: Infinity }, "probes must be a whole number, 1 or more, is Infinity"],
    [{ slowRate: 0.1 }, "slowRate has no effect, slowCallMs must be finite with it"],
    [{ openForMs: 1_000 }, 'there is no option "openForMs"'],
  ])("refuses %o at construction", (options, text) => {
    expect(() => new Breakers(options)).toThrow(`Cannot build breaker: ${text}`);
  });

  test("takes what has an effect, and numbers of a registry only where that is made", () => {
    expect(() => new Breakers({ failuresInARow: Infinity, minCalls: Infinity, maxCircuits: Infinity })).not.toThrow();
    const own = { openMs: 40_000, maxOpenMs: 40_000, slowRate: 0.1, slowCallMs: 50, countResourceExhausted: false };
    expect(() => new Breakers({ ...own, observe: () => undefined })).not.toThrow();
    const options = { target: "payment:1", openMs: 1_000 };
    expect(() => breaker(options)).toThrow('Cannot build breaker: there is no option "openMs"');
  });
});
