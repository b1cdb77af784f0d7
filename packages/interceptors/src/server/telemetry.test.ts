import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, type RpcContext, rpcContext, unseenStatus } from "../context.ts";
import { STATUS_DETAILS_KEY, statusOf } from "../status.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { FakeServerCall, type ServerCallShape } from "../testing/server-call.ts";
import { type CallRecord, loggable, type ServerTelemetryOptions, type SpanRecord, telemetry } from "./telemetry.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const OWN = "cccccccccccc1111";

/** A call that has started, and what is recorded of it. */
function aCall(
  shape: ServerCallShape = {},
  known: Partial<RpcContext> = {},
  more: Partial<ServerTelemetryOptions> = {},
) {
  const clock = new ManualClock();
  const seen = { spans: [] as SpanRecord[], metrics: [] as unknown[], records: [] as CallRecord[] };
  const port = {
    span: (span: SpanRecord) => void seen.spans.push(span),
    count: (name: string, labels: object) => void seen.metrics.push([name, labels]),
    record: (name: string, value: number, labels: object) => void seen.metrics.push([name, value, labels]),
    log: (record: CallRecord) => void seen.records.push(record),
  };
  const options = { telemetry: port, methods: () => ({}), ...more };
  const fake = new FakeServerCall(
    telemetry(options, { clock, uuid: () => "1111aaaa-bbbb-4bbb-bbbb-cccccccccccc" }),
    shape,
  );
  const inside: { trace?: RpcContext["trace"] | undefined } = {};
  fake.onHandlerMetadata = () => {
    inside.trace = rpcContext.get()?.trace;
  };
  const trace = { traceId: TRACE, spanId: SPAN, sampled: true };
  rpcContext.run(newContext({ requestId: "req-12345678", trace, ...known }), () => fake.start());
  return { clock, fake, inside, ...seen };
}

describe("spans", () => {
  const metadata = { traceparent: `00-${TRACE}-${SPAN}-01` };

  test("T2: the server's span is a child of the client's attempt, and the parent of what the handler calls", () => {
    const { clock, fake, inside, spans } = aCall({ metadata, peer: "10.0.0.7:4711" }, { previousAttempts: 2 });
    clock.advance(12);
    fake.respond();
    expect(inside.trace).toEqual({ traceId: TRACE, spanId: OWN, sampled: true });
    expect(spans).toEqual([
      {
        name: "test.v1.Test/Get",
        kind: "server",
        traceId: TRACE,
        spanId: OWN,
        parentSpanId: SPAN,
        startMs: 1_000_000,
        endMs: 1_000_012,
        error: false,
        attributes: {
          "rpc.system.name": "grpc",
          "rpc.method": "test.v1.Test/Get",
          "rpc.response.status_code": "OK",
          "client.address": "10.0.0.7",
          "client.port": 4711,
          "previous-rpc-attempts": 2,
        },
      },
    ]);
  });

  test("T2: a trace that begins here has no parent", () => {
    const { fake, spans } = aCall();
    fake.respond();
    expect(spans[0]?.parentSpanId).toBeUndefined();
  });

  test("T2: a trace that is not sampled leaves no span, and is logged all the same", () => {
    const trace = { traceId: TRACE, spanId: SPAN, sampled: false };
    const { fake, spans, records } = aCall({ metadata }, { trace });
    fake.respond();
    expect(spans).toEqual([]);
    expect(records[0]?.trace_id).toBe(TRACE);
  });

  test.each([
    [status.INTERNAL, true],
    [status.UNAVAILABLE, true],
    [status.NOT_FOUND, false],
    [status.CANCELLED, false],
  ])("T2: of code %i is an error: %s", (code, error) => {
    const { fake, spans } = aCall();
    fake.end(code);
    expect(spans[0]?.error).toBe(error);
    expect("error.type" in (spans[0]?.attributes ?? {})).toBe(error);
  });
});

describe("metrics", () => {
  test("T3: are A66's, in seconds, with method and status", () => {
    const { clock, fake, metrics } = aCall();
    clock.advance(250);
    fake.end(status.NOT_FOUND);
    const labels = { "grpc.method": "test.v1.Test/Get" };
    expect(metrics).toEqual([
      ["grpc.server.call.started", labels],
      ["grpc.server.call.duration", 0.25, { ...labels, "grpc.status": "NOT_FOUND" }],
    ]);
  });

  test("T3: a method that is not known is other", () => {
    const { metrics } = aCall({ path: "/made.up.Name/X" }, {}, { methods: () => undefined });
    expect(metrics).toEqual([["grpc.server.call.started", { "grpc.method": "other" }]]);
  });

  test("T3: message sizes are those of the bytes, where messages are bytes", () => {
    const { fake, metrics } = aCall();
    fake.receive(Buffer.from("hello")).receive(Buffer.from("!")).respond(Buffer.from("hi"));
    const labels = { "grpc.method": "test.v1.Test/Get", "grpc.status": "OK" };
    expect(metrics).toContainEqual(["grpc.server.call.sent_total_compressed_message_size", 2, labels]);
    expect(metrics).toContainEqual(["grpc.server.call.rcvd_total_compressed_message_size", 6, labels]);
  });
});

describe("the access log", () => {
  test("T4: has one record per call, with what one looks for", () => {
    const known = { deadline: 1_000_500, previousAttempts: 1 };
    const { clock, fake, records } = aCall({ peer: "10.0.0.7:4711" }, known);
    clock.advance(20);
    fake.respond().cancel();
    fake.cancel();
    expect(records).toEqual([
      {
        side: "server",
        method: "test.v1.Test/Get",
        trace_id: TRACE,
        span_id: OWN,
        request_id: "req-12345678",
        peer: "10.0.0.7:4711",
        code: "OK",
        ms: 20,
        attempts: 2,
        deadline_remaining: 480,
      },
    ]);
  });

  test.each([0, 4])("R13: says which attempt of the caller's it was: %i came before", (previousAttempts) => {
    const { fake, records } = aCall({}, { previousAttempts });
    fake.respond();
    expect(records[0]?.attempts).toBe(previousAttempts + 1);
  });

  test("T4: gives the reason of a failure, and only the first status", () => {
    const { fake, records } = aCall();
    const refused = statusOf(status.UNAVAILABLE, "x", { reason: "OVERLOADED" });
    fake.end(refused.code, "", { [STATUS_DETAILS_KEY]: refused.metadata.get(STATUS_DETAILS_KEY)[0] as Buffer });
    fake.end(status.OK).cancel();
    expect(records.map(({ code, reason }) => [code, reason])).toEqual([["UNAVAILABLE", "OVERLOADED"]]);
  });

  test("T4: has a call that the caller gave up as CANCELLED, and one that ran out of time as DEADLINE_EXCEEDED", () => {
    const gone = aCall({}, { deadline: 1_000_100 });
    gone.fake.cancel();
    expect(gone.records[0]?.code).toBe("CANCELLED");
    const late = aCall({}, { deadline: 1_000_100 });
    late.clock.advance(101);
    late.fake.cancel();
    expect(late.records[0]).toMatchObject({ code: "DEADLINE_EXCEEDED", deadline_remaining: -1 });
  });

  test("T4: has a status that grpc-js made by itself", () => {
    const { fake, records } = aCall();
    const metadata = new Metadata();
    const result = { code: status.RESOURCE_EXHAUSTED, details: "", metadata };
    unseenStatus.during(result, () => fake.cancel());
    expect(records.map(({ code }) => code)).toEqual(["RESOURCE_EXHAUSTED"]);
  });

  test("T4: holds a request only if asked, as JSON can, without the fields that must not be seen", () => {
    const request = { id: 2n ** 60n, card: { number: "4111", kind: "visa" }, items: [{ card: "x", left: -1n }] };
    const silent = aCall();
    silent.fake.receive(request).respond();
    expect(silent.records[0]).not.toHaveProperty("request");
    const open = aCall({}, {}, { logRequests: true, redact: ["number"] });
    open.fake.receive(request).receive({ second: true }).respond();
    expect(JSON.parse(JSON.stringify(open.records[0]?.request))).toEqual({
      id: "1152921504606846976",
      card: { number: "[redacted]", kind: "visa" },
      items: [{ card: "x", left: "-1" }],
    });
  });

  test("T4: fields that the contract marks are never logged, beside those that are named", () => {
    const methods = () => ({ redact: ["token"] });
    const { fake, records } = aCall({}, {}, { methods, logRequests: true, redact: ["note"] });
    fake.receive({ token: "pm_1", parts: [{ token: "pm_2", left: 1 }], note: "x" }).respond();
    expect(records[0]?.request).toEqual({
      token: "[redacted]",
      parts: [{ token: "[redacted]", left: 1 }],
      note: "[redacted]",
    });
  });

  test.each([undefined, false])("T4: refuses redact where logRequests is %s: it would do nothing", (logRequests) => {
    const build = () =>
      telemetry({ methods: () => ({}), redact: ["x"], ...(logRequests !== undefined && { logRequests }) });
    expect(build).toThrow(/^Cannot build telemetry: redact has no effect/);
  });

  test("T4: loggable() holds nothing that JSON cannot, however deep", () => {
    const circular: Record<string, unknown> = { bytes: new Uint8Array(3), at: new Date(0), map: new Map([["a", 1n]]) };
    circular.self = circular;
    expect(() => JSON.stringify(loggable(circular, new Set()))).not.toThrow();
    expect(loggable({ bytes: new Uint8Array(3), map: new Map([["a", 1n]]) }, new Set())).toEqual({
      bytes: "3 bytes",
      map: { a: "1" },
    });
  });

  test("T4: a call of which nothing came has no record", () => {
    const { fake, records } = aCall();
    const before = records.length;
    const other = new FakeServerCall(
      telemetry({
        telemetry: {
          span: () => undefined,
          count: () => undefined,
          record: () => undefined,
          log: (each) => void records.push(each),
        },
        methods: () => ({}),
      }),
    );
    other.base.start = (listener) => listener.onCancel();
    other.start();
    expect(records).toHaveLength(before);
    fake.respond();
    expect(records).toHaveLength(before + 1);
  });
});

test("E7: telemetry that throws keeps no status from the client", () => {
  const fail = () => {
    throw new Error("full");
  };
  const port = { span: fail, count: () => undefined, record: fail, log: fail };
  const fake = new FakeServerCall(telemetry({ telemetry: port, methods: () => ({}) })).start();
  expect(() => fake.respond()).toThrow("full");
  expect(fake.status.code).toBe(status.OK);
});

test("telemetry() without a port puts nothing around the call", () => {
  const fake = new FakeServerCall(telemetry({ methods: () => ({}) }));
  expect(fake.call).toBe(fake.base);
});
