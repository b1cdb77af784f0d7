// SPDX-License-Identifier: MIT
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { detailsOf } from "../status.ts";
import { refusal, setUp } from "../testing/broken-circuit.ts";
import { FakeCall } from "../testing/client-call.ts";
import { breaker } from "./breaker.ts";

const GET = "/test.v1.Test/Get";

describe("the circuits of breaker()", () => {
  test("B1: a method that fails is refused, its neighbours and other targets are not", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    await refusal(kit.open());
    expect(kit.call(status.OK, { path: "/test.v1.Test/List" })).toBeDefined();
    const other = new FakeCall(breaker({ target: "order:1", breakers: kit.breakers })).start();
    expect(other.attempts).toHaveLength(1);
  });

  test("B1: clients of one process share the circuits that they are given", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    const refused = await refusal(new FakeCall(breaker({ target: "payment:1", breakers: kit.breakers })).start());
    expect(refused.code).toBe(status.UNAVAILABLE);
  });

  test("B1: failures spread over methods open the target as a whole", async () => {
    const kit = setUp();
    for (let i = 0; i < 20; i++) kit.call(status.UNAVAILABLE, { path: `/test.v1.Test/M${i % 5}` });
    expect(kit.state()).toBe("open");
    expect(kit.state("/test.v1.Test/M0")).toBe("closed");
    await refusal(kit.open({ path: "/test.v1.Test/Never" }));
  });

  test("B1: late failures of a method that has opened do not open its target", () => {
    const kit = setUp();
    const inFlight = Array.from({ length: 60 }, () => kit.open());
    for (const { attempt } of inFlight) attempt.end(status.UNAVAILABLE);
    expect(kit.state(GET)).toBe("open");
    expect(kit.state()).toBe("closed");
  });

  test("B1: what a method that has opened has counted does not open its target", () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    kit.call(status.UNAVAILABLE, { path: "/other" });
    expect(kit.state()).toBe("closed");
  });

  test("B1: no more than maxCircuits are kept; the least recently used goes first, never an isolated one", () => {
    const kit = setUp({ maxCircuits: 5 });
    kit.breakers.isolate("payment:1", "/a");
    for (const path of ["/b", "/c", "/d", "/b", "/e", "/f"]) kit.call(status.OK, { path });
    expect(kit.breakers.list().length).toBeLessThanOrEqual(5);
    expect(kit.state("/a")).toBe("isolated");
    expect(kit.state("/b")).toBe("closed");
    expect(kit.state("/c")).toBeUndefined();
    expect(kit.state("/f")).toBe("closed");
  });

  test("B1: 1,000 circuits are kept by default, and none that has been idle for ten minutes", () => {
    const kit = setUp();
    for (let i = 0; i < 3_000; i++) kit.call(status.OK, { path: `/${i}` });
    expect(kit.breakers.list()).toHaveLength(1_000);
    kit.clock.advance(600_000);
    expect(kit.breakers.list()).toHaveLength(0);
  });

  test("B9: every change and refusal is told, every circuit is listed", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    await refusal(kit.open());
    expect(kit.events).toMatchObject([
      { kind: "changed", state: "open", method: GET, target: "payment:1", calls: 20, failures: 20, waitMs: 5_000 },
      { kind: "rejected", state: "open", method: GET, target: "payment:1", waitMs: 5_000 },
    ]);
    expect(kit.breakers.list()).toMatchObject([
      { target: "payment:1", method: undefined, state: "closed" },
      { target: "payment:1", method: GET, state: "open", waitMs: 5_000 },
    ]);
  });

  test("B9: isolate() refuses a method or a target until it is taken back", async () => {
    const kit = setUp();
    kit.breakers.isolate("payment:1", GET);
    const result = await refusal(kit.open());
    expect(detailsOf(result.metadata)).not.toHaveProperty("retryAfterMs");
    expect(kit.call(status.OK, { path: "/other" })).toBeDefined();
    kit.breakers.isolate("payment:1");
    await refusal(kit.open({ path: "/other" }));
    kit.clock.advance(3_600_000);
    await refusal(kit.open({ path: "/other" }));
    kit.breakers.isolate("payment:1", undefined, false);
    kit.breakers.isolate("payment:1", GET, false);
    expect(kit.call(status.OK)).toBeDefined();
    expect(kit.changes(GET)).toEqual(["isolated", "closed"]);
  });

  test("B9: another registry, like another process, knows nothing of it", () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    expect(new FakeCall(breaker({ target: "payment:1" })).start().attempts).toHaveLength(1);
  });

  test("B10: what one host does among many is below the rate and changes nothing", () => {
    const kit = setUp();
    for (let i = 0; i < 3_000; i++) {
      kit.call(i % 3 === 0 ? status.UNAVAILABLE : status.OK);
      kit.clock.advance(5);
    }
    expect(kit.events).toEqual([]);
  });
});
