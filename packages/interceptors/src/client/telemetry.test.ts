// SPDX-License-Identifier: MIT
import { type InterceptingCall, type Interceptor, Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { type CallShape, FakeCall } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import {
  attemptTelemetry,
  type CallRecord,
  type ClientTelemetryOptions,
  callTelemetry,
  loggable,
  type SpanRecord,
  type Telemetry,
} from "./telemetry.ts";

const PATH = "/test.v1.Test/Get";
const TRACE = "1".repeat(32);
const PARENT = "2".repeat(16);
const traceparent = `00-${TRACE}-${PARENT}-01`;
const known = (path: string) => (path === PATH ? {} : undefined);

/** A port that keeps what it is told. */
class Recorder implements Telemetry {
  readonly spans: SpanRecord[] = [];
  readonly counts: [string, object][] = [];
  readonly values: [string, number, object][] = [];
  readonly logs: CallRecord[] = [];
  span = (span: SpanRecord): void => void this.spans.push(span);
  count = (name: string, labels: object): void => void this.counts.push([name, labels]);
  record = (name: string, value: number, labels: object): void => void this.values.push([name, value, labels]);
  log = (record: CallRecord): void => void this.logs.push(record);
  value = (name: string) => this.values.filter(([each]) => each === name).map(([, value]) => value);
}

/** Tries again after 40 ms, up to `attempts` times, as far as telemetry can tell. */
function retryLike(clock: ManualClock, attempts: number): Interceptor {
  return (options, next) => {
    let count = 0;
    let call = next(options);
    const start: InterceptingCall["start"] = (metadata, listener) => {
      count += 1;
      call.start(metadata, {
        ...listener,
        onReceiveMessage: (message: unknown) => message !== null && listener?.onReceiveMessage?.(message),
        onReceiveStatus: (result) => {
          if (result.code === status.OK || count === attempts) return listener?.onReceiveStatus?.(result);
          clock.advance(40);
          call = next(options);
          start(metadata, listener);
        },
      });
    };
    const nothing = (): void => undefined;
    return { start, sendMessageWithContext: nothing, halfClose: nothing } as unknown as InterceptingCall;
  };
}

function setup(
  options: Partial<ClientTelemetryOptions> = {},
  between: (clock: ManualClock) => Interceptor[] = () => [],
) {
  const clock = new ManualClock();
  const telemetry = new Recorder();
  const all = { telemetry, methods: known, target: "dns:///product.:50052", ...options };
  const env = { clock };
  const chain = [callTelemetry(all, env), ...between(clock), attemptTelemetry(all, env)];
  const call = (shape: CallShape = {}): FakeCall =>
    new FakeCall(chain, { ...shape, metadata: { traceparent, "x-request-id": "request-1", ...shape.metadata } });
  return { clock, telemetry, call };
}

describe("callTelemetry() and attemptTelemetry()", () => {
  test("T2: one span for the call and one below it for its attempt, whose traceparent goes out", () => {
    const { clock, telemetry, call } = setup();
    const one = call().start();
    clock.advance(25);
    one.attempt.succeed();
    const [attempt, whole] = telemetry.spans;
    expect(telemetry.spans).toHaveLength(2);
    const times = { startMs: 1_000_000, endMs: 1_000_025, traceId: TRACE, name: "test.v1.Test/Get", error: false };
    expect(whole).toMatchObject({ ...times, kind: "internal", parentSpanId: PARENT });
    expect(attempt).toMatchObject({ ...times, kind: "client", parentSpanId: whole?.spanId });
    expect(one.attempt.header("traceparent")).toBe(`00-${TRACE}-${attempt?.spanId}-01`);
    expect(attempt?.attributes).toEqual({
      "rpc.system.name": "grpc",
      "rpc.method": "test.v1.Test/Get",
      "rpc.response.status_code": "OK",
      "server.address": "dns:///product.:50052",
      "network.peer.address": "127.0.0.1",
      "network.peer.port": 1,
      "previous-rpc-attempts": 0,
    });
  });

  test("T2: every attempt has a span and a traceparent of its own, and says how many were before", () => {
    const { telemetry, call } = setup({}, (clock) => [retryLike(clock, 3)]);
    const tried = call({ answer: (attempt) => attempt.end(status.UNAVAILABLE) }).start();
    const spans = telemetry.spans.filter(({ kind }) => kind === "client");
    const whole = telemetry.spans.find(({ kind }) => kind === "internal");
    expect(spans.map(({ attributes }) => attributes["previous-rpc-attempts"])).toEqual([0, 1, 2]);
    expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual(Array(3).fill(whole?.spanId));
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(3);
    const sent = tried.attempts.map((attempt) => attempt.header("traceparent")?.slice(36, 52));
    expect(sent).toEqual(spans.map(({ spanId }) => spanId));
    expect(whole).toMatchObject({ error: true, attributes: { "error.type": "UNAVAILABLE" } });
  });

  test("T2: without a valid traceparent a new trace begins", () => {
    const { telemetry, call } = setup();
    const invalid = ["", "00-xyz", `00-${"0".repeat(32)}-${PARENT}-01`, `00-${TRACE}-${"0".repeat(16)}-01`];
    for (const traceparent of invalid) call({ metadata: { traceparent } }).start().attempt.succeed();
    const roots = telemetry.spans.filter(({ kind }) => kind === "internal");
    expect(roots.map(({ parentSpanId }) => parentSpanId)).toEqual(Array(4).fill(undefined));
    expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(4);
    for (const { traceId } of roots) expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  test("T2: a call whose trace was begun for it is that trace's first span", () => {
    const telemetry = new Recorder();
    const root: Interceptor = (options, next) =>
      next({ ...options, [Symbol.for("grpc.root-span")]: true }) as InterceptingCall;
    const interceptor = callTelemetry({ telemetry, methods: known, target: "t" });
    new FakeCall([root, interceptor], { metadata: { traceparent } }).start().attempt.succeed();
    expect(telemetry.spans).toMatchObject([{ spanId: PARENT, parentSpanId: undefined }]);
  });

  test("T2: a trace that is not sampled gives no spans, but goes on not sampled", () => {
    const { telemetry, call } = setup();
    const quiet = call({ metadata: { traceparent: `00-${TRACE}-${PARENT}-00` } }).start();
    quiet.attempt.succeed();
    expect(quiet.attempt.header("traceparent")).toMatch(/-00$/);
    expect(telemetry.spans).toEqual([]);
    expect(telemetry.logs).toHaveLength(1);
  });

  test("T3: counts and times calls and attempts under the names of A66, in seconds", () => {
    const { clock, telemetry, call } = setup();
    const one = call().start();
    clock.advance(1_500);
    one.attempt.end(status.NOT_FOUND);
    const labels = { "grpc.method": "test.v1.Test/Get", "grpc.target": "dns:///product.:50052" };
    const ended = { ...labels, "grpc.status": "NOT_FOUND" };
    expect(telemetry.counts).toEqual([["grpc.client.attempt.started", labels]]);
    expect(telemetry.values).toEqual([
      ["grpc.client.attempt.duration", 1.5, ended],
      ["grpc.client.call.duration", 1.5, ended],
    ]);
  });

  test("T3: sizes are known where messages are bytes", () => {
    const { telemetry, call } = setup();
    const one = call().start(Buffer.alloc(7));
    one.attempt.succeed(Buffer.alloc(11));
    expect(telemetry.value("grpc.client.attempt.sent_total_compressed_message_size")).toEqual([7]);
    expect(telemetry.value("grpc.client.attempt.rcvd_total_compressed_message_size")).toEqual([11]);
  });

  test("T3: A96's retries and the time between attempts, and neither where there was one attempt", () => {
    const { telemetry, call } = setup({}, (clock) => [retryLike(clock, 3)]);
    call({ answer: (attempt) => attempt.end(status.UNAVAILABLE) }).start();
    expect(telemetry.value("grpc.client.call.retries")).toEqual([2]);
    expect(telemetry.value("grpc.client.call.retry_delay")).toEqual([0.08]);
    call({ answer: (attempt) => attempt.succeed() }).start();
    expect(telemetry.value("grpc.client.call.retries")).toHaveLength(1);
    expect(telemetry.value("grpc.client.call.retry_delay")).toHaveLength(1);
    expect(telemetry.value("grpc.client.call.duration")).toHaveLength(2);
  });

  test("T3: more attempts of a method that is hedged are hedges", () => {
    const { telemetry, call } = setup({ methods: () => ({ hedge: true }) }, (clock) => [retryLike(clock, 2)]);
    call({ answer: (attempt) => attempt.end(status.UNAVAILABLE) }).start();
    expect(telemetry.value("grpc.client.call.hedges")).toEqual([1]);
    expect(telemetry.value("grpc.client.call.retries")).toEqual([]);
  });

  test("T3: a method that nobody knows is counted as other", () => {
    const { telemetry, call } = setup();
    call({ path: "/evil/1234" }).start().attempt.succeed();
    const labels = [...telemetry.counts.map(([, each]) => each), ...telemetry.values.map(([, , each]) => each)];
    for (const each of labels) expect(each).toMatchObject({ "grpc.method": "other" });
    for (const span of telemetry.spans) {
      expect(span).toMatchObject({ name: "grpc", attributes: { "rpc.method": "_OTHER" } });
    }
  });

  test.each([{}, { responseStream: true }, { requestStream: true }, { requestStream: true, responseStream: true }])(
    "T4: exactly one log record per call (%o)",
    (shape) => {
      const { clock, telemetry, call } = setup();
      const one = call({ ...shape, deadline: 1_000_000 + 100 }).start();
      clock.advance(30);
      one.attempt.succeed();
      expect(telemetry.logs).toEqual([
        {
          side: "client",
          method: "test.v1.Test/Get",
          trace_id: TRACE,
          span_id: telemetry.spans[1]?.spanId,
          request_id: "request-1",
          peer: "127.0.0.1:1",
          code: "OK",
          ms: 30,
          attempts: 1,
          deadline_remaining: 70,
        },
      ]);
      expect(one.messages).toEqual(["ok"]);
      expect(one.statuses).toHaveLength(1);
    },
  );

  test("T4: also of a call that was rejected before any attempt", () => {
    const reject: Interceptor = () =>
      ({
        start: (_: Metadata, listener: { onReceiveStatus(result: object): void }) =>
          listener.onReceiveStatus({ code: status.UNAVAILABLE, details: "open", reason: "CIRCUIT_OPEN" }),
        sendMessage: () => undefined,
        sendMessageWithContext: () => undefined,
        halfClose: () => undefined,
      }) as unknown as InterceptingCall;
    const { telemetry, call } = setup({}, () => [reject]);
    call().start();
    expect(telemetry.logs).toMatchObject([{ code: "UNAVAILABLE", reason: "CIRCUIT_OPEN", attempts: 0, peer: "" }]);
    expect(telemetry.counts).toEqual([]);
  });

  test("T4: also of a call that the caller cancels", () => {
    const { telemetry, call } = setup();
    call().start().cancel();
    expect(telemetry.logs).toMatchObject([{ code: "CANCELLED" }]);
  });

  test("T4: counts attempts as retry does, where it says so", () => {
    const { telemetry, call } = setup();
    const attempts = [1, 2, 3, 4].map((ms) => ({ peer: "a", code: 14, ms }));
    const result = { code: status.UNAVAILABLE, details: "", metadata: new Metadata() };
    call().start().attempt.endWith(Object.assign(result, { attempts }));
    expect(telemetry.logs).toMatchObject([{ attempts: 4 }]);
  });

  test("T3: counts the attempt that succeeds besides those that retry says have failed", () => {
    const { telemetry, call } = setup();
    const result = { code: status.OK, details: "", metadata: new Metadata() };
    call()
      .start()
      .attempt.endWith(Object.assign(result, { attempts: [{ peer: "a", code: 14, ms: 1 }] }));
    expect(telemetry.logs).toMatchObject([{ attempts: 2 }]);
    expect(telemetry.value("grpc.client.call.retries")).toEqual([1]);
  });

  test("T4: what is left is of the call's deadline, not of the shorter one of its attempt", () => {
    const shorten: Interceptor = (options, next) =>
      next({
        ...options,
        deadline: 1_000_005,
        [Symbol.for("grpc.call-deadline")]: 1_000_900,
      }) as InterceptingCall;
    const { telemetry, call } = setup({}, () => [shorten]);
    call().start().attempt.succeed();
    expect(telemetry.logs).toMatchObject([{ deadline_remaining: 900 }]);
  });

  test.each([undefined, false])("T4: refuses redact where logRequests is %s: it would do nothing", (logRequests) => {
    const build = () => setup({ redact: ["x"], ...(logRequests !== undefined && { logRequests }) });
    expect(build).toThrow(/^Cannot build telemetry: redact has no effect/);
  });

  test("T4: a request is logged only if so told, as JSON can hold it and without what is secret", () => {
    const request = { price: { units: 10n }, card: { number: "4111" }, note: "hi" };
    const told = setup({ logRequests: true, redact: ["number"] });
    told.call().start(request).attempt.succeed();
    expect(JSON.parse(JSON.stringify(told.telemetry.logs[0]))).toMatchObject({
      request: { price: { units: "10" }, card: { number: "[redacted]" }, note: "hi" },
    });
    const untold = setup();
    untold.call().start(request).attempt.succeed();
    expect(untold.telemetry.logs[0]).not.toHaveProperty("request");
  });

  test("T4: the caller has its status also when the port throws", () => {
    const telemetry = Object.assign(new Recorder(), {
      log: () => {
        throw new Error("The disk is full");
      },
    });
    const { call } = setup({ telemetry });
    const one = call().start();
    expect(() => one.attempt.succeed()).toThrow("The disk is full");
    expect(one.statuses).toHaveLength(1);
  });

  test("T6: without a port no layer is put around the call", () => {
    const nothing = { methods: known, target: "t" };
    const { call, attempt } = new FakeCall([callTelemetry(nothing), attemptTelemetry(nothing)]);
    expect(call).not.toHaveProperty("requester");
    expect(Object.getOwnPropertySymbols(attempt.options)).toEqual([]);
  });

  test("an attempt alone, without the call's part, continues the trace of its metadata", () => {
    const telemetry = new Recorder();
    const alone = new FakeCall(attemptTelemetry({ telemetry, methods: known, target: "t" }), {
      metadata: { traceparent },
    });
    alone.start().attempt.succeed();
    expect(telemetry.spans).toMatchObject([{ traceId: TRACE, parentSpanId: PARENT }]);
  });

  test("does not write into the Metadata that the next attempt starts with", () => {
    const metadata = new Metadata();
    const { telemetry } = setup();
    new FakeCall(attemptTelemetry({ telemetry, methods: known, target: "t" })).call.start(metadata, {});
    expect(metadata.getMap()).toEqual({});
  });

  test("T2: the server sees the attempt's traceparent", async () => {
    const seen = Promise.withResolvers<string>();
    await using server = await rawServer({
      Get: (call) => {
        seen.resolve(String(call.metadata.get("traceparent")));
        call.end();
      },
    });
    const telemetry = new Recorder();
    const options = { telemetry, methods: known, target: server.target };
    using client = rawClient(server.target, { interceptors: [callTelemetry(options), attemptTelemetry(options)] });
    const call = client.open("Get", new Metadata());
    await new Promise((resolve, reject) =>
      call
        .on("data", () => undefined)
        .on("error", reject)
        .on("end", resolve)
        .end(),
    );
    const attempt = telemetry.spans.find(({ kind }) => kind === "client");
    expect(await seen.promise).toBe(`00-${attempt?.traceId}-${attempt?.spanId}-01`);
    expect(telemetry.logs).toMatchObject([{ code: "OK", peer: server.target, attempts: 1 }]);
  });
});

describe("loggable()", () => {
  test("T4: holds nothing that JSON cannot, however deep or odd", () => {
    const circular: Record<string, unknown> = {
      id: 2n ** 63n,
      at: new Date(0),
      bytes: Buffer.from("abc"),
      secret: { a: 1 },
    };
    circular["self"] = circular;
    const result = loggable(circular, new Set(["secret"]));
    expect(result).toMatchObject({ id: "9223372036854775808", at: "1970-01-01T00:00:00.000Z" });
    expect(result).toMatchObject({ bytes: "3 bytes", secret: "[redacted]" });
    expect(() => JSON.stringify(result)).not.toThrow();
    expect(loggable([1n, undefined, null, "x"], new Set())).toEqual(["1", undefined, null, "x"]);
    expect(loggable(Array(1_000).fill(1), new Set())).toHaveLength(20);
  });
});
