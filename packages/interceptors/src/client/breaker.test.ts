// SPDX-License-Identifier: MIT
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { detailsOf, localStatus } from "../status.ts";
import { type CallShape, type FakeAttempt, FakeCall } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { breaker, type BreakerEvent, Breakers, type BreakersOptions, verdictOf } from "./breaker.ts";

const GET = "/test.v1.Test/Get";

/** A breaker with time and chance in the test's hand; `random` 0.5 means no jitter. */
function setUp(options: BreakersOptions = {}, random = () => 0.5) {
  const clock = new ManualClock();
  const events: BreakerEvent[] = [];
  const breakers = new Breakers({ observe: (event) => void events.push(event), ...options }, { clock, random });
  const interceptor = breaker({ target: "payment:1", breakers });
  const open = (shape: CallShape = {}) => new FakeCall(interceptor, shape).start();
  return {
    clock,
    events,
    breakers,
    open,
    /** One call that the server answers with this code; undefined if it was refused. */
    call(code: status, shape: CallShape = {}): FakeAttempt | undefined {
      const { attempts } = open({ answer: (attempt) => attempt.end(code), ...shape });
      return attempts[0];
    },
    calls(count: number, code: status, shape: CallShape = {}): void {
      for (let i = 0; i < count; i++) this.call(code, shape);
    },
    state: (method?: string) =>
      breakers.list().find((each) => each.method === method && each.target === "payment:1")?.state,
    /** Changes of one circuit. */
    changes: (method?: string) =>
      events.filter((each) => each.kind === "changed" && each.method === method).map(({ state }) => state),
  };
}

/** The status of a refused call is given in a later turn. */
async function refusal(call: FakeCall): Promise<StatusObject> {
  await Promise.resolve();
  expect(call.statuses).toHaveLength(1);
  expect(call.attempts).toHaveLength(0);
  return call.status as StatusObject;
}

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
  test("B1: a method that fails is refused, its neighbours and other targets are not", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    await refusal(kit.open());
    expect(kit.call(status.OK, { path: "/test.v1.Test/List" })).toBeDefined();
    const other = new FakeCall(breaker({ target: "order:1", breakers: kit.breakers })).start();
    expect(other.attempts).toHaveLength(1);
  });

  test("B1: clients of one process share the circuits that they are given", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    const refused = await refusal(new FakeCall(breaker({ target: "payment:1", breakers: kit.breakers })).start());
    expect(refused.code).toBe(status.UNAVAILABLE);
  });

  test("B1: failures spread over methods open the target as a whole", async () => {
    const kit = setUp();
    for (let i = 0; i < 20; i++) kit.call(status.UNAVAILABLE, { path: `/test.v1.Test/M${i % 5}` });
    expect(kit.state()).toBe("open");
    expect(kit.state("/test.v1.Test/M0")).toBe("closed");
    await refusal(kit.open({ path: "/test.v1.Test/Never" }));
  });

  test("B1: late failures of a method that has opened do not open its target", () => {
    const kit = setUp();
    const inFlight = Array.from({ length: 60 }, () => kit.open());
    for (const { attempt } of inFlight) attempt.end(status.UNAVAILABLE);
    expect(kit.state(GET)).toBe("open");
    expect(kit.state()).toBe("closed");
  });

  test("B1: what a method that has opened has counted does not open its target", () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    kit.call(status.UNAVAILABLE, { path: "/other" });
    expect(kit.state()).toBe("closed");
  });

  test("B1: no more than maxCircuits are kept; the least recently used goes first, never an isolated one", () => {
    const kit = setUp({ maxCircuits: 5 });
    kit.breakers.isolate("payment:1", "/a");
    for (const path of ["/b", "/c", "/d", "/b", "/e", "/f"]) kit.call(status.OK, { path });
    expect(kit.breakers.list().length).toBeLessThanOrEqual(5);
    expect(kit.state("/a")).toBe("isolated");
    expect(kit.state("/b")).toBe("closed");
    expect(kit.state("/c")).toBeUndefined();
    expect(kit.state("/f")).toBe("closed");
  });

  test("B1: 1,000 circuits are kept by default, and none that has been idle for ten minutes", () => {
    const kit = setUp();
    for (let i = 0; i < 3_000; i++) kit.call(status.OK, { path: `/${i}` });
    expect(kit.breakers.list()).toHaveLength(1_000);
    kit.clock.advance(600_000);
    expect(kit.breakers.list()).toHaveLength(0);
  });

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

  test("B5: refuses in start, with UNAVAILABLE, CIRCUIT_OPEN and the time to half-open, and no call below", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    kit.clock.advance(1_000);
    const result = await refusal(kit.open());
    expect(result.code).toBe(status.UNAVAILABLE);
    expect(Object.getOwnPropertySymbols(result)).toContain(Symbol.for("grpc.local-rejection"));
    expect(detailsOf(result.metadata)).toMatchObject({
      reason: "CIRCUIT_OPEN",
      metadata: { target: "payment:1", method: GET },
      retryAfterMs: 4_000,
    });
  });

  test("B5: a refused call takes messages, reads and a cancellation, and has one status", async () => {
    const kit = setUp();
    kit.breakers.isolate("payment:1");
    const refused = kit.open({ requestStream: true, responseStream: true });
    const written = new Promise<void>((resolve) => {
      refused.call.sendMessageWithContext({ callback: () => resolve() }, "a");
    });
    refused.call.startRead();
    refused.call.halfClose();
    refused.cancel();
    expect(refused.call.getPeer()).toBe("");
    expect(refused.call.getAuthContext()).toBeNull();
    await written;
    expect((await refusal(refused)).code).toBe(status.UNAVAILABLE);
    expect(refused.messages).toEqual([]);
    const unary = kit.open();
    await refusal(unary);
    expect(unary.messages).toEqual([null]);
  });

  test("B5: a stream that is refused fails with an error event, over a real client", async () => {
    await using server = await rawServer({ Get: (call) => call.end() });
    const breakers = new Breakers();
    using client = rawClient(server.target, { interceptors: [breaker({ target: server.target, breakers })] });
    const outcome = () =>
      new Promise<number>((resolve) => {
        const stream = client.open("Get", new Metadata());
        stream.on("error", (error: Error & { code: number }) => resolve(error.code));
        stream.on("data", () => undefined);
        stream.on("end", () => resolve(status.OK));
        stream.end(Buffer.from("x"));
      });
    expect(await outcome()).toBe(status.OK);
    breakers.isolate(server.target);
    expect(await outcome()).toBe(status.UNAVAILABLE);
    breakers.isolate(server.target, undefined, false);
    expect(await outcome()).toBe(status.OK);
  });

  test("B6: lets three probes through at once, refuses the others at once, closes when all three succeed", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    kit.clock.advance(5_000);
    const probes = [kit.open(), kit.open(), kit.open()];
    const fourth = await refusal(kit.open());
    expect(detailsOf(fourth.metadata)?.retryAfterMs).toBe(1_000);
    for (const probe of probes.slice(1)) probe.attempt.succeed();
    expect(kit.state(GET)).toBe("half_open");
    await refusal(kit.open());
    probes[0]?.attempt.succeed();
    expect(kit.changes(GET)).toEqual(["open", "half_open", "closed"]);
    expect(kit.breakers.list().find(({ method }) => method === GET)).toMatchObject({ calls: 0, failures: 0 });
    expect(kit.call(status.OK)).toBeDefined();
  });

  test("B6: a probe that fails opens it for twice as long, up to 30 s, ±20 %", () => {
    for (const [random, factor] of [
      [0, 0.8],
      [0.5, 1],
      [1, 1.2],
    ] as const) {
      const kit = setUp({}, () => random);
      kit.calls(20, status.UNAVAILABLE);
      for (const seconds of [5, 10, 20, 30, 30]) {
        expect(kit.breakers.list().find(({ method }) => method === GET)?.waitMs).toBeCloseTo(seconds * 1_000 * factor);
        kit.clock.advance(seconds * 1_000 * factor + 1);
        expect(kit.call(status.UNAVAILABLE)).toBeDefined();
        expect(kit.state(GET)).toBe("open");
      }
      kit.clock.advance(36_001);
      kit.calls(3, status.OK);
      kit.calls(20, status.UNAVAILABLE);
      expect(kit.breakers.list().find(({ method }) => method === GET)?.waitMs).toBeCloseTo(5_000 * factor);
    }
  });

  test("B6: a probe that says nothing gives its place back", () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    kit.clock.advance(5_000);
    kit.calls(10, status.CANCELLED);
    expect(kit.state(GET)).toBe("half_open");
    kit.calls(3, status.OK);
    expect(kit.state(GET)).toBe("closed");
  });

  test("B6: probes that never end do not keep it shut", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    kit.clock.advance(5_000);
    for (let i = 0; i < 3; i++) kit.open();
    await refusal(kit.open());
    kit.clock.advance(30_000);
    kit.calls(3, status.OK);
    expect(kit.state(GET)).toBe("closed");
  });

  test("B7: the end of a call from an earlier generation changes nothing", () => {
    const kit = setUp();
    const [early, late] = [kit.open(), kit.open()];
    kit.calls(20, status.UNAVAILABLE);
    kit.clock.advance(5_000);
    kit.open();
    early.attempt.end(status.UNAVAILABLE);
    expect(kit.state(GET)).toBe("half_open");
    kit.calls(2, status.OK);
    late.attempt.succeed();
    expect(kit.state(GET)).toBe("half_open");
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

  test("B9: every change and refusal is told, every circuit is listed", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    await refusal(kit.open());
    expect(kit.events).toMatchObject([
      { kind: "changed", state: "open", method: GET, target: "payment:1", calls: 20, failures: 20, waitMs: 5_000 },
      { kind: "rejected", state: "open", method: GET, target: "payment:1", waitMs: 5_000 },
    ]);
    expect(kit.breakers.list()).toMatchObject([
      { target: "payment:1", method: undefined, state: "closed" },
      { target: "payment:1", method: GET, state: "open", waitMs: 5_000 },
    ]);
  });

  test("B9: isolate() refuses a method or a target until it is taken back", async () => {
    const kit = setUp();
    kit.breakers.isolate("payment:1", GET);
    const result = await refusal(kit.open());
    expect(detailsOf(result.metadata)).not.toHaveProperty("retryAfterMs");
    expect(kit.call(status.OK, { path: "/other" })).toBeDefined();
    kit.breakers.isolate("payment:1");
    await refusal(kit.open({ path: "/other" }));
    kit.clock.advance(3_600_000);
    await refusal(kit.open({ path: "/other" }));
    kit.breakers.isolate("payment:1", undefined, false);
    kit.breakers.isolate("payment:1", GET, false);
    expect(kit.call(status.OK)).toBeDefined();
    expect(kit.changes(GET)).toEqual(["isolated", "closed"]);
  });

  test("B9: another registry, like another process, knows nothing of it", () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    expect(new FakeCall(breaker({ target: "payment:1" })).start().attempts).toHaveLength(1);
  });

  test("B10: what one host does among many is below the rate and changes nothing", () => {
    const kit = setUp();
    for (let i = 0; i < 3_000; i++) {
      kit.call(i % 3 === 0 ? status.UNAVAILABLE : status.OK);
      kit.clock.advance(5);
    }
    expect(kit.events).toEqual([]);
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
