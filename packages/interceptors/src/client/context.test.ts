// SPDX-License-Identifier: MIT
import { Metadata } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, type Priority, type RpcContext, rpcContext } from "../context.ts";
import { type CallShape, FakeCall, metadataOf } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { type ContextOptions, context, uuidv7, writeContext } from "./context.ts";

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ROOT_SPAN = Symbol.for("grpc.root-span");

const trace = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: true };
const aContext = (known: Partial<RpcContext> = {}): RpcContext =>
  newContext({ requestId: "request-1", trace, ...known });

function attemptOf(options: Partial<ContextOptions>, shape: CallShape = {}) {
  return new FakeCall(context({ methods: () => undefined, trusted: true, ...options }), shape).start().attempt;
}

describe("uuidv7()", () => {
  test("T1: holds the time, so that ids sort by it", () => {
    const hex = "abc4def0123456789abf";
    expect(uuidv7(0x0123_4567_89ab, hex)).toBe("01234567-89ab-7abc-8def-0123456789ab");
    expect(uuidv7(1_000, hex) < uuidv7(1_001, hex)).toBe(true);
    for (const digit of "0123456789abcdef") expect(uuidv7(Date.now(), digit.repeat(20))).toMatch(UUID_V7);
  });
});

describe("writeContext()", () => {
  test("T1: writes what W3C says, and hands tracestate and baggage on as they came", () => {
    const metadata = new Metadata();
    const state = "vendor=value,other=1";
    writeContext(metadata, { requestId: "request-1", trace: { ...trace, state, baggage: "user=1" } }, "critical");
    expect(metadata.getMap()).toEqual({
      "x-request-id": "request-1",
      traceparent: `00-${trace.traceId}-${trace.spanId}-01`,
      tracestate: state,
      baggage: "user=1",
      "x-priority": "critical",
    });
  });

  test("T1: a trace that is not sampled stays so", () => {
    const metadata = new Metadata();
    writeContext(metadata, { requestId: "request-1", trace: { ...trace, sampled: false } }, undefined);
    expect(metadata.get("traceparent")[0]).toMatch(/-00$/);
  });

  test("T1: what cannot be sent is left out, and the call goes on", () => {
    const metadata = new Metadata();
    const broken = { ...trace, state: "a=\n", baggage: "name=Jürgen" };
    writeContext(metadata, { requestId: "request-1", trace: broken }, "default");
    expect(metadata.getMap()).not.toHaveProperty("tracestate");
    expect(metadata.getMap()).not.toHaveProperty("baggage");
  });

  test.each([
    ["own-request-7", "own-request-7"],
    ["short", "request-1"],
    ["has space", "request-1"],
    ["x".repeat(129), "request-1"],
  ])("T1: the caller's own request id %j becomes %j", (own, expected) => {
    const metadata = metadataOf({ "x-request-id": own });
    writeContext(metadata, { requestId: "request-1", trace }, undefined);
    expect(metadata.get("x-request-id")).toEqual([expected]);
  });
});

describe("context()", () => {
  test("T1: a call made on another's behalf carries its request id and trace", () => {
    const attempt = rpcContext.run(aContext(), () => attemptOf({}));
    expect(attempt.header("x-request-id")).toBe("request-1");
    expect(attempt.header("traceparent")).toBe(`00-${trace.traceId}-${trace.spanId}-01`);
    expect(Reflect.get(attempt.options, ROOT_SPAN)).toBe(false);
  });

  test("T1: at the edge a new request and a new trace begin, with each call", () => {
    const [one, two] = [attemptOf({}), attemptOf({})];
    expect(one.header("x-request-id")).toMatch(UUID_V7);
    expect(one.header("traceparent")).toMatch(TRACEPARENT);
    expect(one.header("x-request-id")).not.toBe(two.header("x-request-id"));
    expect(one.header("traceparent")?.slice(3, 35)).not.toBe(two.header("traceparent")?.slice(3, 35));
    expect(Reflect.get(one.options, ROOT_SPAN)).toBe(true);
  });

  test("T1: time and ids are arguments", () => {
    const hex = (bytes: number) => "0123456789abcdef0123456789abcdef".slice(0, 2 * bytes);
    const interceptor = context({ methods: () => undefined, trusted: true }, { clock: new ManualClock(), hex });
    const { attempt } = new FakeCall(interceptor).start();
    expect(attempt.header("x-request-id")).toBe("0000000f-4240-7012-b456-789abcdef012");
    expect(attempt.header("traceparent")).toBe("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01");
  });

  test("T1: of ten thousand traces that begin here no two have the same id, nor have their spans", () => {
    const parents = Array.from({ length: 10_000 }, () => attemptOf({}).header("traceparent") ?? "");
    expect(new Set(parents.map((each) => each.slice(3, 35))).size).toBe(10_000);
    expect(new Set(parents.map((each) => each.slice(36, 52))).size).toBe(10_000);
    for (const each of parents) expect(each).toMatch(TRACEPARENT);
  });

  test.each([
    [0, "00"],
    [1, "01"],
  ])("records %d of the traces that begin here", (sampleRatio, flags) => {
    expect(attemptOf({ sampleRatio }).header("traceparent")?.slice(-2)).toBe(flags);
  });

  test.each<[Priority | undefined, Priority | undefined, Priority]>([
    ["sheddable", "critical", "sheddable"],
    [undefined, "critical", "critical"],
    ["critical", undefined, "critical"],
    [undefined, undefined, "default"],
  ])("C4: a method of priority %s, called on behalf of one of %s, is sent as %s", (own, inherited, expected) => {
    const call = () => attemptOf({ methods: () => (own === undefined ? undefined : { priority: own }) });
    const attempt = inherited === undefined ? call() : rpcContext.run(aContext({ priority: inherited }), call);
    expect(attempt.header("x-priority")).toBe(expected);
  });

  test("C4: strangers learn neither priority nor baggage, not even from the caller's own metadata", () => {
    const known = { priority: "critical", trace: { ...trace, baggage: "user=1" } } as const;
    const metadata = { "x-priority": "critical" };
    const attempt = rpcContext.run(aContext(known), () => attemptOf({ trusted: false }, { metadata }));
    expect(attempt.metadata?.getMap()).not.toHaveProperty("x-priority");
    expect(attempt.metadata?.getMap()).not.toHaveProperty("baggage");
    expect(attempt.header("x-request-id")).toBe("request-1");
  });

  test("does not write into the Metadata of the caller, who may use it again", () => {
    const metadata = new Metadata();
    const call = new FakeCall(context({ methods: () => undefined, trusted: true }));
    call.call.start(metadata, {});
    expect(metadata.getMap()).toEqual({});
  });

  test("is not built without saying whether the target is ours, nor with an impossible ratio", () => {
    const methods = () => undefined;
    expect(() => context({ methods, trusted: undefined as unknown as boolean })).toThrow(TypeError);
    expect(() => context({ methods, trusted: true, sampleRatio: 2 })).toThrow(/sampleRatio must be 0 to 1, is 2/);
  });

  test("T1: the server sees it, in every shape of call", async () => {
    const seen: Record<string, unknown>[] = [];
    await using server = await rawServer({
      Get: (call) => {
        seen.push(call.metadata.getMap());
        call.write(Buffer.from("ok"));
        call.end();
      },
    });
    using client = rawClient(server.target, { interceptors: [context({ methods: () => undefined, trusted: true })] });
    await rpcContext.run(aContext({ priority: "critical" }), async () => {
      const asIs = (bytes: Buffer): Buffer => bytes;
      const unary = Promise.withResolvers<void>();
      const path = "/test.v1.Test/Get";
      client.makeUnaryRequest(path, asIs, asIs, Buffer.from("hi"), (error) =>
        error === null ? unary.resolve() : unary.reject(error),
      );
      const stream = Promise.withResolvers<void>();
      client
        .open("Get", new Metadata())
        .on("data", () => undefined)
        .on("error", stream.reject)
        .on("end", stream.resolve);
      await Promise.all([unary.promise, stream.promise]);
    });
    const expected = {
      "x-request-id": "request-1",
      "x-priority": "critical",
      traceparent: expect.stringMatching(TRACEPARENT),
    };
    expect(seen).toEqual([expect.objectContaining(expected), expect.objectContaining(expected)]);
  });
});
