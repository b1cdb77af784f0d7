import { ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RpcContext, rpcContext, unseenStatus } from "../context.ts";
import { metadataOf } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { FakeServerCall, type ServerCallShape } from "../testing/server-call.ts";
import { type ContextOptions, context, readCount, readDeadline, readTraceparent, uuidV7 } from "./context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const PARENT = `00-${TRACE}-${SPAN}-01`;

/** The context that a handler of such a call has. */
function contextOf(metadata: ServerCallShape["metadata"] = {}, options: ContextOptions = {}): RpcContext {
  let found: RpcContext | undefined;
  const fake = new FakeServerCall(context(options, { clock: new ManualClock(), random: () => 0.5 }), { metadata });
  fake.onHandlerMetadata = () => {
    found = rpcContext.get();
  };
  fake.start();
  if (found === undefined) throw new Error("The handler has no context");
  return found;
}

/** A call, its context and the time. */
function aCall(shape: ServerCallShape = {}) {
  const clock = new ManualClock();
  const fake = new FakeServerCall(context({}, { clock }), shape);
  const seen: { context?: RpcContext | undefined } = {};
  fake.onHandlerMetadata = () => {
    seen.context = rpcContext.get();
  };
  fake.start();
  return { clock, fake, seen };
}

describe("x-request-id", () => {
  test.each(["12345678", "a.b-c_1D", "x".repeat(128)])("T1: %s is kept", (id) => {
    expect(contextOf({ "x-request-id": id }).requestId).toBe(id);
  });

  test.each(["1234567", "x".repeat(129), "has space", "semi;colon", ""])("T1: %j is replaced by a UUIDv7", (id) => {
    const { requestId } = contextOf({ "x-request-id": id });
    expect(requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("T1: a UUIDv7 begins with the time", () => {
    const id = uuidV7(0x0123456789ab, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    expect(id).toBe("01234567-89ab-7fff-bfff-ffffffffffff");
  });

  test("T1: a call that fails tells it", () => {
    const { fake } = aCall({ metadata: { "x-request-id": "req-12345678" } });
    fake.end(status.NOT_FOUND, "", { a: "b" });
    expect(fake.status.metadata.toJSON()).toEqual({ a: ["b"], "x-request-id": ["req-12345678"] });
  });
});

describe("trace", () => {
  test("T1: is that of traceparent, with tracestate and baggage", () => {
    const { trace } = contextOf({ traceparent: PARENT, tracestate: "a=1, b@v=2", baggage: "user=1;p=2,tenant=a%20b" });
    const state = { state: "a=1, b@v=2", baggage: "user=1;p=2,tenant=a%20b" };
    expect(trace).toEqual({ traceId: TRACE, spanId: SPAN, sampled: true, ...state });
  });

  test.each([
    ["an empty one", ""],
    ["version ff", `ff-${TRACE}-${SPAN}-01`],
    ["version 00 with more", `${PARENT}-more`],
    ["a future version with more that is not set apart", `01-${TRACE}-${SPAN}-01more`],
    ["a zero trace", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["a zero span", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["capitals", PARENT.toUpperCase()],
    ["a short span", `00-${TRACE}-${SPAN.slice(1)}-01`],
    ["a space", ` ${PARENT}`],
    ["flags that are no number", `00-${TRACE}-${SPAN}-0g`],
  ])("T1: %s is no traceparent: a new trace, without its tracestate", (_, traceparent) => {
    const { trace } = contextOf({ traceparent, tracestate: "a=1", baggage: "user=1" });
    expect(trace.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(trace.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(trace.traceId).not.toBe(TRACE);
    expect(trace).toMatchObject({ sampled: true, baggage: "user=1" });
    expect(trace.state).toBeUndefined();
  });

  test("T1: two traceparents are none", () => {
    const fake = new FakeServerCall(context());
    let trace: string | undefined;
    fake.onHandlerMetadata = () => {
      trace = rpcContext.get()?.trace.traceId;
    };
    const start = fake.base.start.bind(fake.base);
    fake.base.start = (listener) => {
      const twice = metadataOf({ traceparent: PARENT });
      twice.add("traceparent", PARENT);
      start({ ...listener, onReceiveMetadata: () => listener.onReceiveMetadata(twice) });
    };
    fake.start();
    expect(trace).toMatch(/^[0-9a-f]{32}$/);
    expect(trace).not.toBe(TRACE);
  });

  test("T1: a future version is read as far as it is known", () => {
    expect(readTraceparent(`42-${TRACE}-${SPAN}-02-more`)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: false });
  });

  test("T1: never throws, whatever traceparent is", () => {
    const near = fc.tuple(fc.nat(54), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(near, ([at, text]) => {
        const found = readTraceparent(PARENT.slice(0, at) + text + PARENT.slice(at + text.length));
        expect(found?.traceId ?? TRACE).toMatch(/^[0-9a-f]{32}$/);
      }),
    );
  });

  test.each([
    ["a member without a value", "a"],
    ["a key in capitals", "A=1"],
    ["a key twice", "a=1,a=2"],
    ["33 members", Array.from({ length: 33 }, (_, index) => `k${index}=1`).join(",")],
    ["more than 512 characters", `a=${"1".repeat(256)},b=${"1".repeat(256)}`],
    ["a value with =", "a=1=2"],
  ])("T1: tracestate with %s is dropped, and the trace is kept", (_, tracestate) => {
    expect(contextOf({ traceparent: PARENT, tracestate }).trace).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      sampled: true,
    });
  });

  test.each([
    ["without a value", "user"],
    ["with a space in the key", "us er=1"],
    ["with a quote", 'user="1"'],
    ["that is too long", `user=${"1".repeat(8_192)}`],
    ["with an empty member", "user=1,,b=2"],
  ])("T1: baggage %s is dropped", (_, baggage) => {
    expect(contextOf({ traceparent: PARENT, baggage }).trace.baggage).toBeUndefined();
  });

  test("T1: malformed baggage of any length is refused in no time", () => {
    const baggage = `a=1${";k= ".repeat(2_000)};"`;
    const begin = performance.now();
    expect(contextOf({ traceparent: PARENT, baggage }).trace.baggage).toBeUndefined();
    // Backtracking takes 2^2,000 steps; what is shown is that there is none, not how fast it is.
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  test("T1: as many of the traces that begin here are sampled as sampleRatio says; the caller's stay as they are", () => {
    expect(contextOf({}, { sampleRatio: 0.51 }).trace.sampled).toBe(true);
    expect(contextOf({}, { sampleRatio: 0.5 }).trace.sampled).toBe(false);
    expect(contextOf({ traceparent: PARENT }, { sampleRatio: 0 }).trace.sampled).toBe(true);
    expect(() => context({ sampleRatio: 2 })).toThrow(RangeError);
  });
});

describe("retries and priority", () => {
  test.each([
    ["0", 0],
    ["3", 3],
    ["-1", 0],
    ["1.5", 0],
    ["01", 0],
    ["1000", 0],
    ["x", 0],
  ])("R13: grpc-previous-rpc-attempts %j is %i", (sent, read) => {
    expect(contextOf({ "grpc-previous-rpc-attempts": sent }).previousAttempts).toBe(read);
  });

  test.each([
    ["0", 0],
    ["99", 99],
    ["100", Infinity],
    ["-1", Infinity],
    ["", Infinity],
    ["1e1", Infinity],
  ])("R14: x-retry-credit %j is %d", (sent, read) => {
    expect(contextOf({ "x-retry-credit": sent }).retryCredit).toBe(read);
  });

  test("R14: no header is no limit, and no attempt before", () => {
    expect(contextOf()).toMatchObject({ retryCredit: Infinity, previousAttempts: 0, retries: { exhausted: false } });
    expect(readCount(undefined, 9)).toBeUndefined();
  });

  test("R14: a failure after the retries further down are exhausted tells the caller not to retry", () => {
    const { fake, seen } = aCall();
    if (seen.context) seen.context.retries.exhausted = true;
    fake.end(status.UNAVAILABLE, "", { "grpc-retry-pushback-ms": "100" });
    expect(fake.status.metadata.get("grpc-retry-pushback-ms")).toEqual(["-1"]);
  });

  test("R14: nothing is said of retries when the call succeeds, or fails with retries left", () => {
    const fine = aCall();
    if (fine.seen.context) fine.seen.context.retries.exhausted = true;
    fine.fake.respond();
    expect(fine.fake.status.metadata.toJSON()).toEqual({});
    const failed = aCall();
    failed.fake.end(status.UNAVAILABLE);
    expect(failed.fake.status.metadata.get("grpc-retry-pushback-ms")).toEqual([]);
  });

  test("C4: the priority is the method's, whatever a stranger says", () => {
    const methods = () => ({ priority: "sheddable" }) as const;
    expect(contextOf({ "x-priority": "critical" }, { methods }).priority).toBe("sheddable");
    expect(contextOf({ "x-priority": "critical" }).priority).toBe("default");
  });

  test("C4: the priority is the caller's where the caller is one of ours, if it is one", () => {
    const trusted = () => true;
    expect(contextOf({ "x-priority": "critical" }, { trusted }).priority).toBe("critical");
    expect(contextOf({ "x-priority": "highest" }, { trusted }).priority).toBe("default");
  });
});

describe("the context", () => {
  test("is there in each event, in promises and timers begun there, and nowhere else", async () => {
    const found: (string | undefined)[] = [];
    const note = () => found.push(rpcContext.get()?.requestId);
    const reading: ServerInterceptor = (_, call) =>
      new ServerInterceptingCall(call, {
        start: (next) =>
          next({
            onReceiveMessage: (message, nextMessage) => {
              note();
              nextMessage(message);
            },
          }),
      });
    const fake = new FakeServerCall([context(), reading], { metadata: { "x-request-id": "req-12345678" } });
    const { promise: later, resolve } = Promise.withResolvers<void>();
    fake.onHandlerMetadata = note;
    fake.onHandlerHalfClose = () => {
      note();
      setImmediate(() => resolve(void note()));
    };
    fake.start().receive("hello").halfClose();
    await later;
    expect(found).toEqual(Array.from({ length: 4 }, () => "req-12345678"));
    expect(rpcContext.get()).toBeUndefined();
  });

  test("has the client's deadline", () => {
    expect(aCall({ deadline: 1_000_250 }).seen.context?.deadline).toBe(1_000_250);
    expect(aCall().seen.context?.deadline).toBe(Infinity);
  });

  test("D5: has no deadline where the library's 32 bits have wrapped around", () => {
    expect(readDeadline(5_000_000 - 1_294_967_296, 5_000_000)).toBe(Infinity);
    expect(readDeadline(new Date(5_000_100), 5_000_000)).toBe(5_000_100);
    expect(readDeadline(4_999_999, 5_000_000)).toBe(4_999_999);
  });

  test("D9: is not cancelled by a normal end, after which onCancel is called as well", () => {
    const { fake, seen } = aCall();
    fake.respond().cancel();
    expect(seen.context?.signal.aborted).toBe(false);
  });

  test("D9: is cancelled with AbortError when the caller goes away", () => {
    const { fake, seen } = aCall({ deadline: 1_000_250 });
    fake.cancel();
    expect(seen.context?.signal.reason).toMatchObject({ name: "AbortError" });
  });

  test("D9: is cancelled with TimeoutError when the call ends at its deadline", () => {
    const { clock, fake, seen } = aCall({ deadline: 1_000_250 });
    clock.advance(250);
    fake.cancel();
    expect(seen.context?.signal.reason).toMatchObject({ name: "TimeoutError" });
  });

  test("D9: is cancelled with TimeoutError when the library says so, whatever the clock says", () => {
    const { fake, seen } = aCall();
    const result = { code: status.DEADLINE_EXCEEDED, details: "", metadata: metadataOf({}) };
    unseenStatus.during(result, () => fake.cancel());
    expect(seen.context?.signal.reason).toMatchObject({ name: "TimeoutError" });
  });

  test("E7: a call that is over before it begins has nothing to cancel", () => {
    const fake = new FakeServerCall(context());
    fake.base.start = (listener) => listener.onCancel();
    expect(() => fake.start()).not.toThrow();
  });
});
