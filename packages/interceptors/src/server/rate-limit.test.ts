// SPDX-License-Identifier: MIT
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, rpcContext } from "../context.ts";
import { detailsOf } from "../status.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { FakeServerCall, type ServerCallShape } from "../testing/server-call.ts";
import { callerOf, Quotas, type RateLimitOptions, rateLimit } from "./rate-limit.ts";

const TRACE = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false };

function aService(options: Partial<RateLimitOptions> = {}) {
  const clock = new ManualClock();
  const interceptor = rateLimit({ callsPerSecond: 10, burst: 2, ...options }, { clock });
  const call = (shape: ServerCallShape = {}, principal?: string): FakeServerCall => {
    const made = new FakeServerCall(interceptor, shape);
    if (principal === undefined) return made.start();
    const context = newContext({ requestId: "request-1", trace: TRACE, principal: { id: principal, roles: [] } });
    return rpcContext.run(context, () => made.start());
  };
  return { clock, call };
}

const served = (call: FakeServerCall): boolean => call.handler.metadata !== undefined;

describe("rateLimit()", () => {
  test("L3: who is over its quota gets RESOURCE_EXHAUSTED with QuotaFailure and RetryInfo, and no pushback", () => {
    const { call } = aService();
    expect([call(), call()].map(served)).toEqual([true, true]);
    const third = call();
    expect(third.status.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(detailsOf(third.status.metadata)).toMatchObject({
      reason: "RATE_LIMITED",
      retryAfterMs: 100,
      quota: { subject: "peer:127.0.0.1", description: "calls per second" },
    });
    expect(third.status.metadata.get("grpc-retry-pushback-ms")).toEqual([]);
    expect(third.reads).toBe(0);
    expect(third.client.metadata).toEqual([]);
  });

  test("L3: there is a call again when RetryInfo said so, and not a moment before", () => {
    const { clock, call } = aService();
    call();
    call();
    clock.advance(99);
    expect(detailsOf(call().status.metadata)?.retryAfterMs).toBe(1);
    clock.advance(1);
    expect([call(), call()].map(served)).toEqual([true, false]);
  });

  test("fills up to the burst and no further", () => {
    const { clock, call } = aService({ burst: 3 });
    clock.advance(3_600_000);
    expect([1, 2, 3, 4].map(() => served(call()))).toEqual([true, true, true, false]);
  });

  test("counts per principal, and per address only where nobody is known", () => {
    const { call } = aService({ burst: 1 });
    expect(served(call({}, "alice"))).toBe(true);
    expect(served(call({ peer: "10.0.0.2:5" }, "alice"))).toBe(false);
    expect(served(call({}, "bob"))).toBe(true);
    expect(served(call({ peer: "10.0.0.1:5" }))).toBe(true);
    expect(served(call({ peer: "10.0.0.1:6" }))).toBe(false);
    expect(served(call({ peer: "10.0.0.2:6" }))).toBe(true);
    // One that is named like an address.
    expect(served(call({}, "10.0.0.1"))).toBe(true);
    expect(callerOf(undefined, "2001:db8::1:443")).toBe("peer:2001:db8::1");
  });

  test("remembers so many callers, and forgets the one that was silent longest", () => {
    const quotas = new Quotas({ callsPerSecond: 1, burst: 1, maxCallers: 2 });
    expect(["a", "b", "a"].map((each) => quotas.take(each, 0))).toEqual([0, 0, 1_000]);
    expect(quotas.take("c", 0)).toBe(0);
    expect(quotas.size).toBe(2);
    expect(["a", "b"].map((each) => quotas.take(each, 0))).toEqual([1_000, 0]);
    for (let index = 0; index < 10_000; index += 1) quotas.take(`caller ${index}`, 0);
    expect(quotas.size).toBe(2);
  });

  test("gives nothing for a clock that is set back", () => {
    const quotas = new Quotas({ callsPerSecond: 1, burst: 1 });
    expect([10_000, 9_000, 9_500].map((now) => quotas.take("a", now))).toEqual([0, 1_000, 500]);
  });

  test("does not count health checks", () => {
    const { call } = aService({ burst: 1 });
    const health = { path: "/grpc.health.v1.Health/Check" };
    expect([1, 2, 3].map(() => served(call(health)))).toEqual([true, true, true]);
    expect(served(call())).toBe(true);
  });

  test("refuses numbers that make no sense", () => {
    expect(() => rateLimit({ callsPerSecond: 0 })).toThrow("callsPerSecond must be 0.001 to 1000000, is 0");
    expect(() => rateLimit({ callsPerSecond: 1, burst: 0.5 })).toThrow(RangeError);
    expect(() => rateLimit({ callsPerSecond: 1, maxCallers: 0 })).toThrow(RangeError);
  });
});
