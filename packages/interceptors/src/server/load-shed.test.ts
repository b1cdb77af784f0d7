// SPDX-License-Identifier: MIT
import { setImmediate as turn } from "node:timers/promises";
import { Client, credentials, Metadata, Server, ServerCredentials, type StatusObject, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, type Priority, rpcContext } from "../context.ts";
import { type LoadSignals, processSignals } from "../load-signals.ts";
import { detailsOf } from "../status.ts";
import { FakeServerCall, type ServerCallShape } from "../testing/server-call.ts";
import { aPlace, aShedder, IDLE } from "../testing/shedder.ts";
import { type LoadShedOptions, loadShed, Shedder } from "./load-shed.ts";

const LATE: LoadSignals = { eventLoopDelayP99Ms: 100, utilization: 1, heapUsedShare: 0.1 };
/** The same limit however the process fares. */
const fixed = (limit: number) => ({ minInFlight: limit, maxInFlight: limit });

function aServer(options: LoadShedOptions = {}) {
  const place = aPlace(options);
  const interceptor = loadShed(place.settings, place.env);
  const call = (shape: ServerCallShape = {}) => new FakeServerCall(interceptor, shape).start();
  return Object.assign(place, { call });
}

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
