// SPDX-License-Identifier: MIT
import { type InterceptingCall, type Interceptor, Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { Recorder, setup, TRACE } from "../testing/client-telemetry.ts";

describe("log records of callTelemetry()", () => {
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

  test("T4: fields that the contract marks are never logged, beside those that are named", () => {
    const { telemetry, call } = setup({
      logRequests: true,
      methods: () => ({ redact: ["token"] }),
      redact: ["note"],
    });
    call()
      .start({ token: "pm_1", parts: [{ token: "pm_2" }], note: "x" })
      .attempt.succeed();
    expect(telemetry.logs[0]?.request).toEqual({
      token: "[redacted]",
      parts: [{ token: "[redacted]" }],
      note: "[redacted]",
    });
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
});
