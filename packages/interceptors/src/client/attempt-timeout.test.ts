// SPDX-License-Identifier: MIT
import { Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CallShape, FakeCall } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { type AttemptTimeoutOptions, attemptDeadline, attemptTimeout } from "./attempt-timeout.ts";

const NOW = 1_000_000;
const CALL_DEADLINE = Symbol.for("grpc.call-deadline");

function deadlineOf(options: Partial<AttemptTimeoutOptions>, shape: CallShape = {}): unknown {
  const interceptor = attemptTimeout({ timeoutMs: 100, ...options }, { clock: new ManualClock() });
  return new FakeCall(interceptor, shape).attempt.options.deadline;
}

describe("attemptDeadline()", () => {
  test("R15: only ever shortens", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (timeoutMs, overall) => {
        const result = attemptDeadline(NOW, timeoutMs, overall);
        expect(result).toBeLessThanOrEqual(overall);
        expect(result).toBeLessThanOrEqual(NOW + timeoutMs);
      }),
    );
  });
});

describe("attemptTimeout()", () => {
  test("R15: an attempt has its own time, and never more than the call has left", () => {
    expect(deadlineOf({})).toBe(NOW + 100);
    expect(deadlineOf({}, { deadline: NOW + 5_000 })).toBe(NOW + 100);
    expect(deadlineOf({}, { deadline: NOW + 40 })).toBe(NOW + 40);
  });

  test("R15: counts from the start of each attempt", () => {
    const clock = new ManualClock();
    const interceptor = attemptTimeout({ timeoutMs: 100 }, { clock });
    const again = new FakeCall([
      // As retry does: the same options, a second time, later.
      (options, next) => {
        next(options);
        clock.advance(70);
        return next(options) as ReturnType<typeof interceptor>;
      },
      interceptor,
    ]);
    expect(again.attempts.map(({ options }) => options.deadline)).toEqual([NOW + 100, NOW + 170]);
  });

  test("R15: the call's own deadline stays known beside the attempt's", () => {
    const interceptor = attemptTimeout({ timeoutMs: 100 }, { clock: new ManualClock() });
    const { options } = new FakeCall(interceptor, { deadline: NOW + 5_000 }).attempt;
    expect(Reflect.get(options, CALL_DEADLINE)).toBe(NOW + 5_000);
  });

  test("leaves streams alone, unless told", () => {
    expect(deadlineOf({}, { responseStream: true })).toBeUndefined();
    expect(deadlineOf({}, { requestStream: true })).toBeUndefined();
    expect(deadlineOf({ streams: true }, { responseStream: true })).toBe(NOW + 100);
  });

  test("leaves methods alone that are never tried again", () => {
    expect(deadlineOf({ methods: () => ({ retry: false }) })).toBeUndefined();
    expect(deadlineOf({ methods: () => undefined })).toBeUndefined();
    expect(deadlineOf({ methods: () => ({ retry: true }) })).toBe(NOW + 100);
    expect(deadlineOf({ methods: () => ({ hedge: true }) })).toBe(NOW + 100);
  });

  test("takes the time from the method, if so told", () => {
    const timeoutMs = (path: string) => (path.endsWith("Get") ? 30 : undefined);
    expect(deadlineOf({ timeoutMs })).toBe(NOW + 30);
    expect(deadlineOf({ timeoutMs }, { path: "/test.v1.Test/List" })).toBeUndefined();
  });

  test("adds no layer", () => {
    const { call } = new FakeCall(attemptTimeout({ timeoutMs: 100 }));
    expect(call).not.toHaveProperty("requester");
  });

  test.each([0, -1, Number.NaN])("refuses to be built with timeoutMs %d", (timeoutMs) => {
    expect(() => attemptTimeout({ timeoutMs })).toThrow(RangeError);
  });

  test("R15: its expiry ends the attempt with DEADLINE_EXCEEDED, on the wire as well", async () => {
    const seen = Promise.withResolvers<number>();
    await using server = await rawServer({ Get: (call) => seen.resolve(Number(call.getDeadline())) });
    using client = rawClient(server.target, { interceptors: [attemptTimeout({ timeoutMs: 200, streams: true })] });
    const before = Date.now();
    const ended = Promise.withResolvers<number>();
    client
      .open("Get", new Metadata(), { deadline: before + 60_000 })
      .on("data", () => undefined)
      .on("error", () => undefined)
      .on("status", ({ code }) => ended.resolve(code));
    expect(await seen.promise).toBeLessThan(before + 30_000);
    expect(await ended.promise).toBe(status.DEADLINE_EXCEEDED);
  });
});
