// SPDX-License-Identifier: MIT
import { type InterceptingCall, type Interceptor, Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { FakeCall } from "../testing/client-call.ts";
import { known, PARENT, Recorder, retryLike, setup, TRACE, traceparent } from "../testing/client-telemetry.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { attemptTelemetry, callTelemetry } from "./telemetry.ts";

describe("spans of callTelemetry() and attemptTelemetry()", () => {
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
