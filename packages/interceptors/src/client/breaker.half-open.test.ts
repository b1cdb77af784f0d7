// SPDX-License-Identifier: MIT
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { detailsOf } from "../status.ts";
import { refusal, setUp } from "../testing/broken-circuit.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { Breakers, breaker } from "./breaker.ts";

const GET = "/test.v1.Test/Get";

describe("breaker(), open and half open", () => {
  test("B5: refuses in start, with UNAVAILABLE, CIRCUIT_OPEN and the time to half-open, and no call below", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    kit.clock.advance(1_000);
    const result = await refusal(kit.open());
    expect(result.code).toBe(status.UNAVAILABLE);
    expect(Object.getOwnPropertySymbols(result)).toContain(Symbol.for("grpc.local-rejection"));
    expect(detailsOf(result.metadata)).toMatchObject({
      reason: "CIRCUIT_OPEN",
      metadata: { target: "payment:1", method: GET },
      retryAfterMs: 4_000,
    });
  });

  test("B5: a refused call takes messages, reads and a cancellation, and has one status", async () => {
    const kit = setUp();
    kit.breakers.isolate("payment:1");
    const refused = kit.open({ requestStream: true, responseStream: true });
    const written = new Promise<void>((resolve) => {
      refused.call.sendMessageWithContext({ callback: () => resolve() }, "a");
    });
    refused.call.startRead();
    refused.call.halfClose();
    refused.cancel();
    expect(refused.call.getPeer()).toBe("");
    expect(refused.call.getAuthContext()).toBeNull();
    await written;
    expect((await refusal(refused)).code).toBe(status.UNAVAILABLE);
    expect(refused.messages).toEqual([]);
    const unary = kit.open();
    await refusal(unary);
    expect(unary.messages).toEqual([null]);
  });

  test("B5: a stream that is refused fails with an error event, over a real client", async () => {
    await using server = await rawServer({ Get: (call) => call.end() });
    const breakers = new Breakers();
    using client = rawClient(server.target, { interceptors: [breaker({ target: server.target, breakers })] });
    const outcome = () =>
      new Promise<number>((resolve) => {
        const stream = client.open("Get", new Metadata());
        stream.on("error", (error: Error & { code: number }) => resolve(error.code));
        stream.on("data", () => undefined);
        stream.on("end", () => resolve(status.OK));
        stream.end(Buffer.from("x"));
      });
    expect(await outcome()).toBe(status.OK);
    breakers.isolate(server.target);
    expect(await outcome()).toBe(status.UNAVAILABLE);
    breakers.isolate(server.target, undefined, false);
    expect(await outcome()).toBe(status.OK);
  });

  test("B6: lets three probes through at once, refuses the others at once, closes when all three succeed", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    kit.clock.advance(5_000);
    const probes = [kit.open(), kit.open(), kit.open()];
    const fourth = await refusal(kit.open());
    expect(detailsOf(fourth.metadata)?.retryAfterMs).toBe(1_000);
    for (const probe of probes.slice(1)) probe.attempt.succeed();
    expect(kit.state(GET)).toBe("half_open");
    await refusal(kit.open());
    probes[0]?.attempt.succeed();
    expect(kit.changes(GET)).toEqual(["open", "half_open", "closed"]);
    expect(kit.breakers.list().find(({ method }) => method === GET)).toMatchObject({ calls: 0, failures: 0 });
    expect(kit.call(status.OK)).toBeDefined();
  });

  test("B6: a probe that fails opens it for twice as long, up to 30 s, ±20 %", () => {
    for (const [random, factor] of [
      [0, 0.8],
      [0.5, 1],
      [1, 1.2],
    ] as const) {
      const kit = setUp({}, () => random);
      kit.calls(20, status.UNAVAILABLE);
      for (const seconds of [5, 10, 20, 30, 30]) {
        expect(kit.breakers.list().find(({ method }) => method === GET)?.waitMs).toBeCloseTo(seconds * 1_000 * factor);
        kit.clock.advance(seconds * 1_000 * factor + 1);
        expect(kit.call(status.UNAVAILABLE)).toBeDefined();
        expect(kit.state(GET)).toBe("open");
      }
      kit.clock.advance(36_001);
      kit.calls(3, status.OK);
      kit.calls(20, status.UNAVAILABLE);
      expect(kit.breakers.list().find(({ method }) => method === GET)?.waitMs).toBeCloseTo(5_000 * factor);
    }
  });

  test("B6: a probe that says nothing gives its place back", () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    kit.clock.advance(5_000);
    kit.calls(10, status.CANCELLED);
    expect(kit.state(GET)).toBe("half_open");
    kit.calls(3, status.OK);
    expect(kit.state(GET)).toBe("closed");
  });

  test("B6: probes that never end do not keep it shut", async () => {
    const kit = setUp();
    kit.calls(20, status.UNAVAILABLE);
    kit.clock.advance(5_000);
    for (let i = 0; i < 3; i++) kit.open();
    await refusal(kit.open());
    kit.clock.advance(30_000);
    kit.calls(3, status.OK);
    expect(kit.state(GET)).toBe("closed");
  });

  test("B7: the end of a call from an earlier generation changes nothing", () => {
    const kit = setUp();
    const [early, late] = [kit.open(), kit.open()];
    kit.calls(20, status.UNAVAILABLE);
    kit.clock.advance(5_000);
    kit.open();
    early.attempt.end(status.UNAVAILABLE);
    expect(kit.state(GET)).toBe("half_open");
    kit.calls(2, status.OK);
    late.attempt.succeed();
    expect(kit.state(GET)).toBe("half_open");
  });
});
