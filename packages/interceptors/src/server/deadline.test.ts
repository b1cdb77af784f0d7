import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, type RpcContext, rpcContext, unseenStatus } from "../context.ts";
import { detailsOf } from "../status.ts";
import { metadataOf } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { FakeServerCall, type ServerCallShape } from "../testing/server-call.ts";
import { classifyEnd, type DeadlineOptions, deadline, effectiveDeadline } from "./deadline.ts";

const NOW = 1_000_000;
const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: true };

/** A call that has started, what its handler's context is, and the time. */
function aCall(shape: ServerCallShape = {}, options: DeadlineOptions = {}, outer?: RpcContext) {
  const clock = new ManualClock();
  const fake = new FakeServerCall(deadline(options, { clock }), shape);
  const handler: { context?: RpcContext | undefined } = {};
  fake.onHandlerMetadata = () => {
    handler.context = rpcContext.get();
  };
  if (outer === undefined) fake.start();
  else rpcContext.run(outer, () => fake.start());
  return { clock, fake, handler };
}

const codes = (fake: FakeServerCall) => fake.client.statuses.map(({ code }) => code);

describe("deadline()", () => {
  test.each([
    ["at its deadline", NOW],
    ["past its deadline", NOW - 500],
  ])("D8: refuses a call that is %s when it starts", (_, expired) => {
    const { clock, fake } = aCall({ deadline: expired });
    expect(fake.status.code).toBe(status.DEADLINE_EXCEEDED);
    expect(detailsOf(fake.status.metadata)?.reason).toBe("DEADLINE_EXCEEDED");
    expect(fake.handler.metadata).toBeUndefined();
    expect(fake.client.metadata).toEqual([]);
    expect(clock.pending).toBe(0);
    fake.respond().cancel();
    expect(codes(fake)).toEqual([status.DEADLINE_EXCEEDED]);
  });

  test("D8: on the wire, grpc-timeout 0 runs no handler", async () => {
    let handled = 0;
    const count = () => {
      handled += 1;
    };
    await using server = await rawServer({ Get: count }, { interceptors: [deadline()] });
    using client = rawClient(server.target);
    const { promise, resolve } = Promise.withResolvers<StatusObject>();
    const stream = client.open("Get", metadataOf({ "grpc-timeout": "0m" }));
    stream
      .on("status", resolve)
      .on("error", () => "in the status too")
      .resume()
      .end();
    expect((await promise).code).toBe(status.DEADLINE_EXCEEDED);
    expect(handled).toBe(0);
  });

  test("gives a call without a deadline one, and none more than the method may take", () => {
    const of = (shape: ServerCallShape, options: DeadlineOptions = {}) =>
      aCall(shape, options).handler.context?.deadline;
    expect(of({})).toBe(NOW + 30_000);
    expect(of({ deadline: NOW + 90_000 })).toBe(NOW + 30_000);
    expect(of({ deadline: NOW + 90 })).toBe(NOW + 90);
    expect(of({ responseStream: true })).toBe(NOW + 3_600_000);
    expect(of({ requestStream: true }, { streamMaxMs: 5 })).toBe(NOW + 5);
    expect(of({ requestStream: true }, { streamMaxMs: Infinity })).toBe(Infinity);
    expect(of({}, { methods: () => ({ deadlineMs: 700 }) })).toBe(NOW + 700);
    expect(of({}, { methods: () => ({ deadlineMs: 700_000 }) })).toBe(NOW + 30_000);
    expect(of({}, { methods: () => undefined, unaryMaxMs: 9 })).toBe(NOW + 9);
  });

  test("D5: a timeout that has wrapped around in the library's 32 bits is a long one, not one that is over", () => {
    const { fake, handler } = aCall({ deadline: NOW - 5_000 });
    expect(handler.context?.deadline).toBe(NOW + 30_000);
    expect(codes(fake)).toEqual([]);
  });

  test("goes on from the context that is there: same signal, same ids, the earlier deadline", () => {
    const outer = newContext({ requestId: "req-12345678", trace, deadline: NOW + 50 });
    const { clock, fake, handler } = aCall({}, {}, outer);
    expect(handler.context).toMatchObject({ requestId: "req-12345678", trace, deadline: NOW + 50 });
    clock.advance(50);
    expect(outer.signal.reason).toMatchObject({ name: "TimeoutError" });
    expect(codes(fake)).toEqual([status.DEADLINE_EXCEEDED]);
  });

  test("ends the call in time, though the handler ignores its signal, and lets nothing of it through afterwards", () => {
    const { clock, fake, handler } = aCall({ deadline: NOW + 100, responseStream: true });
    fake.receive("hello").halfClose();
    clock.advance(99);
    expect(handler.context?.signal.aborted).toBe(false);
    clock.advance(1);
    expect(handler.context?.signal.reason).toMatchObject({ name: "TimeoutError" });
    fake.respond().cancel();
    expect(codes(fake)).toEqual([status.DEADLINE_EXCEEDED]);
    expect(fake.client.messages).toEqual([]);
  });

  test("the client has its status before the handler knows: what the handler does about it is too late", () => {
    const { clock, fake, handler } = aCall({ deadline: NOW + 100 });
    handler.context?.signal.addEventListener("abort", () => fake.end(status.CANCELLED));
    clock.advance(100);
    expect(codes(fake)).toEqual([status.DEADLINE_EXCEEDED]);
  });

  test.each<[string, (fake: FakeServerCall) => void]>([
    ["a response", (fake) => fake.respond().cancel()],
    ["a failure", (fake) => fake.end(status.NOT_FOUND).cancel()],
    ["a cancellation", (fake) => fake.cancel()],
  ])("leaves no timer after %s", (_, end) => {
    const { clock, fake } = aCall();
    expect(clock.pending).toBe(1);
    end(fake);
    expect(clock.pending).toBe(0);
  });

  test("D9: a normal end cancels nothing, though onCancel follows it", () => {
    const { clock, fake, handler } = aCall({ deadline: NOW + 100 });
    fake.respond();
    clock.advance(200);
    fake.cancel();
    expect(handler.context?.signal.aborted).toBe(false);
    expect(codes(fake)).toEqual([status.OK]);
  });

  test("D9: a caller that goes away cancels with AbortError, one that waits until the end with TimeoutError", () => {
    const gone = aCall({ deadline: NOW + 100 });
    gone.fake.cancel();
    expect(gone.handler.context?.signal.reason).toMatchObject({ name: "AbortError" });
    const late = aCall({ deadline: NOW + 100 });
    const library = { code: status.DEADLINE_EXCEEDED, details: "", metadata: new Metadata() };
    unseenStatus.during(library, () => late.fake.cancel());
    expect(late.handler.context?.signal.reason).toMatchObject({ name: "TimeoutError" });
  });

  test("E7: a call that is over before it begins starts no timer", () => {
    const clock = new ManualClock();
    const fake = new FakeServerCall(deadline({}, { clock }));
    fake.base.start = (listener) => listener.onCancel();
    fake.start();
    expect(clock.pending).toBe(0);
  });

  test.each([{ unaryMaxMs: 0 }, { unaryMaxMs: Infinity }, { unaryMaxMs: Number.NaN }, { streamMaxMs: -1 }])(
    "cannot be built with %o",
    (options) => expect(() => deadline(options)).toThrow(RangeError),
  );
});

describe("classifyEnd()", () => {
  const ok = { code: status.OK };
  test.each([
    ["the status that was sent", { sent: ok, now: 9, deadline: 5 }, status.OK],
    ["that one first", { sent: ok, unseen: { code: status.INTERNAL }, now: 1, deadline: 5 }, status.OK],
    ["the library's status", { unseen: { code: status.RESOURCE_EXHAUSTED }, now: 9, deadline: 5 }, 8],
    ["DEADLINE_EXCEEDED at the deadline", { now: 5, deadline: 5 }, status.DEADLINE_EXCEEDED],
    ["CANCELLED before it", { now: 4.9, deadline: 5 }, status.CANCELLED],
    ["CANCELLED where there is none", { now: 4, deadline: Infinity }, status.CANCELLED],
  ] as const)("D9: says %s", (_, end, code) => {
    expect(classifyEnd(end)).toBe(code);
  });
});

test("effectiveDeadline() is the earliest of all", () => {
  expect(effectiveDeadline(500, 100, [300, 500])).toBe(400);
  expect(effectiveDeadline(350, 100, [300, Infinity])).toBe(350);
  expect(effectiveDeadline(Infinity, 100, [Infinity])).toBe(Infinity);
});
