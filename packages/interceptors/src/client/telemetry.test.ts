// SPDX-License-Identifier: MIT
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { FakeCall } from "../testing/client-call.ts";
import { known, PARENT, Recorder, retryLike, setup, TRACE, traceparent } from "../testing/client-telemetry.ts";
import { attemptTelemetry, callTelemetry, loggable } from "./telemetry.ts";

describe("callTelemetry() and attemptTelemetry()", () => {
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

  test("T3: counts the attempt that succeeds besides those that retry says have failed", () => {
    const { telemetry, call } = setup();
    const result = { code: status.OK, details: "", metadata: new Metadata() };
    call()
      .start()
      .attempt.endWith(Object.assign(result, { attempts: [{ peer: "a", code: 14, ms: 1 }] }));
    expect(telemetry.logs).toMatchObject([{ attempts: 2 }]);
    expect(telemetry.value("grpc.client.call.retries")).toEqual([1]);
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
