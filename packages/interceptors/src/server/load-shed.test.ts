// SPDX-License-Identifier: MIT
import { setImmediate as turn } from "node:timers/promises";
import { Client, credentials, Metadata, Server, ServerCredentials, type StatusObject, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newContext, type Priority, rpcContext } from "../context.ts";
import { type LoadSignals, processSignals } from "../load-signals.ts";
import { detailsOf } from "../status.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { FakeServerCall, type ServerCallShape } from "../testing/server-call.ts";
import { type Arrival, type LoadShedEvent, type LoadShedOptions, loadShed, type Permit, Shedder } from "./load-shed.ts";

const IDLE: LoadSignals = { eventLoopDelayP99Ms: 0, utilization: 0.1, heapUsedShare: 0.1 };
const LATE: LoadSignals = { eventLoopDelayP99Ms: 100, utilization: 1, heapUsedShare: 0.1 };
/** The same limit however the process fares. */
const fixed = (limit: number) => ({ minInFlight: limit, maxInFlight: limit });

/** A clock, a process that fares as the test says, and turns of the event loop that end when the test says. */
function aPlace(options: LoadShedOptions = {}) {
  const clock = new ManualClock();
  const place = { signals: IDLE, probes: 0, chance: 0.5 };
  const turns: (() => void)[] = [];
  const events: LoadShedEvent[] = [];
  const settings = {
    probe: () => ((place.probes += 1), place.signals),
    observe: (event: LoadShedEvent) => void events.push(event),
    ...options,
  };
  const env = { clock, random: () => place.chance, endOfTurn: (run: () => void) => void turns.push(run) };
  const endTurn = () => turns.splice(0).forEach((run) => run());
  return Object.assign(place, { clock, settings, env, endTurn, events });
}

function aShedder(options: LoadShedOptions = {}) {
  const place = aPlace(options);
  const shedder = new Shedder(place.settings, place.env);
  const admit = (given: Partial<Arrival> = {}): Permit | string =>
    shedder.admit({ path: "/a.B/C", stream: false, priority: "default", retry: false, deadline: Infinity, ...given });
  /** As many calls as there is room for. @returns The permits, and why the next one was refused. */
  const fillUp = (given: Partial<Arrival> = {}) => {
    const permits: Permit[] = [];
    for (;;) {
      const next = admit(given);
      if (typeof next === "string") return { permits, cause: next };
      permits.push(next);
    }
  };
  const giveBack = (permits: readonly (Permit | string)[]) => {
    for (const each of permits) if (typeof each !== "string") each.release("done");
    place.endTurn();
  };
  /** Calls of the method that take so long, one after the other. */
  const took = (ms: number, count: number, end: "done" | "cut" = "done") => {
    for (let index = 0; index < count; index += 1) {
      const permit = admit();
      place.clock.advance(ms);
      if (typeof permit !== "string") permit.release(end);
      place.endTurn();
    }
  };
  return Object.assign(place, { shedder, admit, fillUp, giveBack, took });
}

function aServer(options: LoadShedOptions = {}) {
  const place = aPlace(options);
  const interceptor = loadShed(place.settings, place.env);
  const call = (shape: ServerCallShape = {}) => new FakeServerCall(interceptor, shape).start();
  return Object.assign(place, { call });
}

describe("loadShed()", () => {
  test("L1: on the wire a refused call ends with trailers alone, and its request is never decoded", async () => {
    let decoded = 0;
    await using server = await unaryServer(fixed(1), () => (decoded += 1));
    const first = server.call();
    await server.handling();
    const second = await server.call();
    expect(second.status.code).toBe(status.UNAVAILABLE);
    expect(second.headers).toBe(false);
    expect(decoded).toBe(1);
    server.answer();
    expect((await first).status.code).toBe(status.OK);
  });

  test("L1: decides before anything is read", () => {
    const { call } = aServer(fixed(1));
    expect(call().reads).toBe(1);
    const refused = call();
    expect(refused.reads).toBe(0);
    expect(refused.handler.metadata).toBeUndefined();
  });

  test("L3: an overloaded server says UNAVAILABLE, OVERLOADED, and when to come back, in both ways", () => {
    const place = aServer({ ...fixed(1), pushbackMs: 200 });
    place.call();
    place.chance = 0;
    const early = place.call().status;
    place.chance = 1;
    const late = place.call().status;
    expect(early.code).toBe(status.UNAVAILABLE);
    expect([early, late].map(({ metadata }) => metadata.get("grpc-retry-pushback-ms"))).toEqual([["100"], ["300"]]);
    expect([early, late].map(({ metadata }) => detailsOf(metadata))).toMatchObject([
      { reason: "OVERLOADED", retryAfterMs: 100, metadata: { shed: "in_flight" } },
      { reason: "OVERLOADED", retryAfterMs: 300 },
    ]);
  });

  test("L4: a call with less time than such a call takes is DEADLINE_EXCEEDED, doomed, without pushback", () => {
    const place = aServer();
    for (let index = 0; index < 40; index += 1) {
      const call = place.call();
      place.clock.advance(50);
      call.respond();
      place.endTurn();
    }
    expect(place.call({ deadline: place.clock.now() + 50 }).reads).toBe(1);
    const doomed = place.call({ deadline: place.clock.now() + 49 });
    expect(doomed.status.code).toBe(status.DEADLINE_EXCEEDED);
    expect(detailsOf(doomed.status.metadata)).toMatchObject({
      reason: "DEADLINE_TOO_SHORT",
      metadata: { shed: "doomed" },
    });
    expect(doomed.status.metadata.get("grpc-retry-pushback-ms")).toEqual([]);
    expect(doomed.reads).toBe(0);
    expect(place.call({ path: "/test.v1.Test/Put", deadline: place.clock.now() + 1 }).reads).toBe(1);
  });

  test("L5: health, reflection and channelz are never refused", () => {
    const { call } = aServer({ ...fixed(1), maxStreams: 0 });
    call();
    const paths = ["/grpc.health.v1.Health/Check", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"];
    paths.push(
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      "/grpc.channelz.v1.Channelz/GetServer",
    );
    for (const path of paths) {
      expect([call({ path }), call({ path, responseStream: true })].map(({ reads }) => reads)).toEqual([1, 1]);
    }
    expect(call({ path: "/grpc.health.v1.Healthy/Check" }).status.code).toBe(status.UNAVAILABLE);
  });

  test("L5: takes a repeated attempt for one by its metadata", () => {
    const { call } = aServer(fixed(10));
    const retry = { metadata: { "grpc-previous-rpc-attempts": "1" } };
    for (let index = 0; index < 7; index += 1) expect(call().reads).toBe(1);
    expect(call(retry).status.code).toBe(status.UNAVAILABLE);
    expect(call({ metadata: { "grpc-previous-rpc-attempts": "0" } }).reads).toBe(1);
  });

  test("L6: nothing goes out before the refusal", () => {
    const { call } = aServer({ ...fixed(1), maxStreams: 0 });
    call();
    for (const each of [call(), call({ responseStream: true }), call({ requestStream: true, responseStream: true })]) {
      expect(each.client.metadata).toEqual([]);
      expect(each.client.statuses).toHaveLength(1);
    }
  });

  test("C4: the context's priority counts, and where there is none the method's", () => {
    const priorities: Priority[] = [];
    const { call } = aServer({
      ...fixed(1),
      methods: () => ({ priority: "critical" }),
      observe: (event) => void (event.kind === "shed" && priorities.push(event.priority)),
    });
    const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false };
    call();
    call();
    rpcContext.run(newContext({ requestId: "r", trace, priority: "sheddable" }), () => call());
    expect(priorities).toEqual(["critical", "sheddable"]);
  });

  test("the room of a call is free after its status or its cancellation, once", () => {
    const place = aServer(fixed(1));
    const one = place.call();
    one.respond();
    one.cancel();
    place.endTurn();
    const two = place.call();
    expect(two.reads).toBe(1);
    two.cancel();
    place.endTurn();
    expect(place.call().reads).toBe(1);
    expect(place.call().reads).toBe(0);
  });

  test("refuses numbers that make no sense", () => {
    const build = (options: LoadShedOptions) => () => new Shedder(aPlace(options).settings);
    expect(build({ maxInFlight: 0 })).toThrow("Cannot build loadShed: maxInFlight must be 1 to 1000000, is 0");
    expect(build({ minInFlight: 30, maxInFlight: 20 })).toThrow(RangeError);
    expect(build({ initialInFlight: 2_000 })).toThrow(RangeError);
    expect(build({ maxHeapShare: 1.1 })).toThrow(RangeError);
    expect(build({ eventLoop: { maxDelayMs: 0 } })).toThrow("eventLoop.maxDelayMs");
    expect(build({ eventLoop: { maxUtilization: Number.NaN } })).toThrow(RangeError);
    expect(() => loadShed({ pushbackMs: 0, probe: () => IDLE })).toThrow(RangeError);
  });

  const eventLoop = { maxDelayMs: 5 };
  test.each<[object, string]>([
    [
      { ...fixed(10), eventLoop, maxStreams: 0 },
      "eventLoop has no effect, minInFlight must be below maxInFlight with it",
    ],
    [{ maxInflight: 10 }, 'there is no option "maxInflight"'],
    [{ eventLoop: { maxDelay: 5 } }, 'there is no option of eventLoop "maxDelay"'],
  ])("refuses %j, which would do nothing", (options, text) => {
    expect(() => loadShed({ ...options, probe: () => IDLE })).toThrow(new TypeError(`Cannot build loadShed: ${text}`));
  });

  test("takes eventLoop beside a fixed limit: it still decides on streams", () => {
    const place = aShedder({ ...fixed(10), eventLoop });
    place.signals = { ...LATE, eventLoopDelayP99Ms: 6 };
    place.clock.advance(500);
    expect(place.admit({ stream: true })).toBe("in_flight");
  });
});

describe("Shedder", () => {
  test("L2: while turns are late and the loop is busy the limit shrinks, by half at most", () => {
    const place = aShedder({ initialInFlight: 40, eventLoop: { maxDelayMs: 20 } });
    place.signals = { ...LATE, eventLoopDelayP99Ms: 25 };
    place.clock.advance(500);
    place.admit();
    expect(place.shedder.limit).toBeCloseTo(32);
    place.signals = LATE;
    place.clock.advance(500);
    place.admit();
    expect(place.shedder.limit).toBeCloseTo(16);
    for (let index = 0; index < 20; index += 1) {
      place.clock.advance(500);
      place.admit();
    }
    expect(place.shedder.limit).toBe(1);
    expect(place.events).toContainEqual({ kind: "limit", limit: 16, signals: LATE });
  });

  test("L2: a late turn of a loop that is mostly idle is a pause, and a busy loop with short turns is as it should be", () => {
    const place = aShedder({ initialInFlight: 40 });
    const { permits } = place.fillUp();
    for (const signals of [
      { ...LATE, utilization: 0.5 },
      { ...IDLE, utilization: 1 },
    ]) {
      place.giveBack(permits.splice(0));
      const before = place.shedder.limit;
      place.signals = signals;
      place.clock.advance(500);
      place.admit();
      expect(place.shedder.limit).toBeGreaterThanOrEqual(before);
    }
    const after = place.shedder.limit;
    place.fillUp();
    place.clock.advance(500);
    place.admit();
    // Busy: more calls at once would only wait for each other.
    expect(place.shedder.limit).toBe(after);
  });

  test("L2: the limit grows while it is in use and the loop has time, up to its maximum, and not while it is not", () => {
    const place = aShedder({ initialInFlight: 10, maxInFlight: 14 });
    place.clock.advance(500);
    place.admit();
    expect(place.shedder.limit).toBe(10);
    place.fillUp();
    place.clock.advance(500);
    place.admit();
    expect(place.shedder.limit).toBeCloseTo(12.2);
    for (let index = 0; index < 3; index += 1) {
      place.fillUp();
      place.clock.advance(500);
      place.admit();
    }
    expect(place.shedder.limit).toBe(14);
  });

  test("L2: with the heap nearly full only critical calls are taken", () => {
    const place = aShedder({ maxHeapShare: 0.8 });
    place.signals = { ...IDLE, heapUsedShare: 0.8 };
    place.clock.advance(500);
    expect(place.admit()).toBe("heap");
    expect(place.admit({ stream: true, priority: "sheddable" })).toBe("heap");
    expect(typeof place.admit({ priority: "critical" })).toBe("object");
    place.signals = IDLE;
    place.clock.advance(500);
    expect(typeof place.admit()).toBe("object");
  });

  test("L2: the signals are looked at every sampleMs, not per call, and set no timer", () => {
    const place = aShedder({ sampleMs: 200 });
    for (let ms = 0; ms < 1_000; ms += 10) {
      place.clock.advance(10);
      place.admit();
    }
    expect(place.probes).toBe(5);
    expect(place.clock.pending).toBe(0);
  });

  test("L2: a call that ends at once keeps its room until the end of the turn", () => {
    const place = aShedder(fixed(1));
    const first = place.admit();
    expect(typeof first === "string" || first.release("done")).toBeUndefined();
    // The next socket of the same turn: its call would begin after the first has used up the turn.
    expect(place.admit()).toBe("in_flight");
    place.endTurn();
    expect(typeof place.admit()).toBe("object");
  });

  test("L4: judges by the median of the last calls, and only once there are enough", () => {
    const place = aShedder();
    const short = () => place.admit({ deadline: place.clock.now() + 99 });
    place.took(100, 31);
    expect(typeof short()).toBe("object");
    place.took(100, 9);
    expect(short()).toBe("doomed");
    // A few that are fast do not change it, a majority does.
    place.took(1, 15);
    expect(short()).toBe("doomed");
    place.took(1, 17);
    expect(typeof short()).toBe("object");
  });

  test("L4: a call that was cut counts as at least as slow as the others: it makes nothing faster", () => {
    const place = aShedder();
    place.took(100, 40);
    place.took(1, 40, "cut");
    expect(place.admit({ deadline: place.clock.now() + 99 })).toBe("doomed");
  });

  test("L4: what a burst has taken says nothing of a server that is idle again", () => {
    const place = aShedder(fixed(100));
    const { permits } = place.fillUp({ priority: "critical" });
    expect(permits).toHaveLength(100);
    place.clock.advance(2_000);
    place.giveBack(permits);
    place.endTurn();
    const short = () => place.admit({ deadline: place.clock.now() + 500 });
    expect(typeof short()).toBe("object");
    // With many in progress it does.
    place.fillUp({ priority: "critical" });
    expect(short()).toBe("doomed");
  });

  test("L4: lets a few of the doomed try, so that an estimate that was too high can come down", () => {
    const place = aShedder();
    place.took(100, 40);
    place.chance = 0.019;
    expect(typeof place.admit({ deadline: place.clock.now() + 10 })).toBe("object");
    place.chance = 0.02;
    expect(place.admit({ deadline: place.clock.now() + 10 })).toBe("doomed");
  });

  test("L5: a repeated attempt is refused earlier than a first one, and when first ones were refused lately", () => {
    const place = aShedder(fixed(100));
    // 0.9 × 0.8 × 100, and 0.9 × 100.
    expect(place.fillUp({ retry: true }).permits).toHaveLength(72);
    const { permits, cause } = place.fillUp();
    expect([permits.length, cause]).toEqual([18, "in_flight"]);
    place.giveBack(permits);
    expect(place.admit({ retry: true })).toBe("in_flight");

    const small = aShedder(fixed(1));
    const only = small.admit();
    expect(small.admit()).toBe("in_flight");
    small.giveBack([only]);
    expect(small.admit({ retry: true })).toBe("priority");
    expect(typeof small.admit()).toBe("object");
  });

  test("C4: critical calls find room when the default ones do not, and those when the sheddable ones do not", () => {
    const place = aShedder(fixed(100));
    expect(place.fillUp({ priority: "sheddable" }).permits).toHaveLength(70);
    expect(place.fillUp().permits).toHaveLength(20);
    // 10 are left, and 30 are theirs whatever the others have.
    expect(place.fillUp({ priority: "critical" }).permits).toHaveLength(30);
  });

  test("C4: each class has its share even if a higher one has filled the limit", () => {
    const place = aShedder(fixed(100));
    expect(place.fillUp({ priority: "critical" }).permits).toHaveLength(100);
    expect(place.fillUp().permits).toHaveLength(20);
    expect(place.fillUp({ priority: "sheddable" }).permits).toHaveLength(5);
  });

  test("C4: with room for one call only, no class gets it for a second after one above it was refused", () => {
    const place = aShedder(fixed(1));
    const held = place.admit({ priority: "critical" });
    expect(place.admit({ priority: "critical" })).toBe("in_flight");
    place.giveBack([held]);
    expect(place.admit()).toBe("priority");
    expect(place.admit({ priority: "sheddable" })).toBe("priority");
    // But for its share.
    place.chance = 0.19;
    const lucky = place.admit();
    expect(typeof lucky).toBe("object");
    place.giveBack([lucky]);
    place.chance = 0.5;
    place.clock.advance(1_000);
    expect(typeof place.admit({ priority: "sheddable" })).toBe("object");
  });

  test("streams have a bound of their own, take no room from unary calls, and are not opened under overload", () => {
    const place = aShedder({ ...fixed(2), maxStreams: 10 });
    const stream = { stream: true } as const;
    const { permits, cause } = place.fillUp(stream);
    expect([permits.length, cause]).toEqual([9, "streams"]);
    expect(typeof place.admit()).toBe("object");
    place.giveBack(permits);
    place.signals = LATE;
    place.clock.advance(500);
    expect(place.admit(stream)).toBe("in_flight");
    expect(typeof place.admit({ ...stream, priority: "critical" })).toBe("object");
  });

  test("L2: room adds up after any order of arrivals and ends", () => {
    const arrival = fc.record({
      stream: fc.boolean(),
      priority: fc.constantFrom<Priority>("critical", "default", "sheddable"),
      retry: fc.boolean(),
    });
    const step = fc.oneof(arrival, fc.record({ end: fc.nat(30), twice: fc.boolean() }), fc.constant("turn"));
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const place = aShedder({ ...fixed(10), maxStreams: 5 });
      const held: Permit[] = [];
      for (const each of steps) {
        if (typeof each === "string") {
          place.endTurn();
        } else if ("end" in each) {
          const [permit] = held.splice(each.end, 1);
          permit?.release("done");
          if (each.twice) permit?.release("cut");
        } else {
          const permit = place.admit(each);
          if (typeof permit !== "string") held.push(permit);
        }
      }
      place.giveBack(held);
      place.clock.advance(1_001);
      expect(place.fillUp({ priority: "critical" }).permits).toHaveLength(10);
      expect(place.fillUp({ priority: "critical", stream: true }).permits).toHaveLength(5);
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});

describe("processSignals()", () => {
  test("L2: sees a busy event loop, also when it is asked before the loop has turned, and an idle one", async () => {
    using signals = processSignals();
    await turn();
    const idle = async () => {
      for (let index = 0; index < 20; index += 1) await new Promise<void>((resolve) => void setTimeout(resolve, 5));
    };
    await idle();
    signals.read();
    const until = performance.now() + 200;
    while (performance.now() < until);
    // No turn has ended since it was asked last.
    expect(signals.read()).toMatchObject({ eventLoopDelayP99Ms: expect.toSatisfy((ms: number) => ms > 150) });
    await idle();
    const busyShare = signals.read().utilization;
    expect(busyShare).toBeLessThan(0.9);
    expect(signals.read().heapUsedShare).toBeGreaterThan(0);
  });
});

/** A server of one unary method whose calls wait until the test answers, and a client of it. */
async function unaryServer(options: LoadShedOptions, onDecode: () => void) {
  const path = "/test.v1.Test/Get";
  const asIs = (bytes: Buffer): Buffer => bytes;
  const shed = loadShed(options);
  const server = new Server({ interceptors: [shed] });
  const waiting: (() => void)[] = [];
  const arrived = Promise.withResolvers<void>();
  const requestDeserialize = (bytes: Buffer): Buffer => (onDecode(), bytes);
  const definition = {
    path,
    requestSerialize: asIs,
    requestDeserialize,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  server.addService(
    { Get: { ...definition, requestStream: false, responseStream: false } },
    {
      Get: (_: unknown, respond: (error: null, answer: Buffer) => void) => {
        waiting.push(() => respond(null, Buffer.from("done")));
        arrived.resolve();
      },
    },
  );
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  );
  const client = new Client(`127.0.0.1:${await promise}`, credentials.createInsecure());
  return {
    handling: () => arrived.promise,
    answer: () => waiting.splice(0).forEach((run) => run()),
    call() {
      const { promise: ended, resolve: end } = Promise.withResolvers<{ status: StatusObject; headers: boolean }>();
      let headers = false;
      const body = Buffer.alloc(100_000);
      const call = client.makeUnaryRequest(path, asIs, asIs, body, new Metadata(), () => undefined);
      call.on("metadata", () => (headers = true));
      call.on("status", (result: StatusObject) => end({ status: result, headers }));
      return ended;
    },
    [Symbol.asyncDispose]: async () => {
      client.close();
      server.forceShutdown();
      shed[Symbol.dispose]();
    },
  };
}
