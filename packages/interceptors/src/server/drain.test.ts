import { type ServerInterceptor, ServerInterceptingCall, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, rpcContext } from "../context.ts";
import { detailsOf } from "../status.ts";
import { metadataOf } from "../testing/client-call.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { FakeServerCall, type ServerCallShape } from "../testing/server-call.ts";
import { type DrainGate, drainGate } from "./drain.ts";

const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: true };

/** A call that has started behind the gate, and its context. */
function aCall(gate: DrainGate, shape: ServerCallShape = {}) {
  const context = newContext({ requestId: "req-12345678", trace });
  const fake = new FakeServerCall(gate.interceptor, shape);
  rpcContext.run(context, () => fake.start());
  return { context, fake };
}

const codes = (fake: FakeServerCall) => fake.client.statuses.map(({ code }) => code);

/** Whether it has settled by now. */
async function settled(work: Promise<void>): Promise<boolean> {
  return await Promise.race([work.then(() => true), new Promise<false>((resolve) => setImmediate(resolve, false))]);
}

describe("drainGate()", () => {
  test("L3: refuses new calls with UNAVAILABLE, DRAINING, pushback 0, before the request is read", async () => {
    const gate = drainGate();
    await gate.drain();
    const { fake } = aCall(gate);
    expect(fake.status.code).toBe(status.UNAVAILABLE);
    expect(fake.status.metadata.get("grpc-retry-pushback-ms")).toEqual(["0"]);
    expect(detailsOf(fake.status.metadata)).toMatchObject({ reason: "DRAINING", retryAfterMs: 0 });
    expect(fake.handler.metadata).toBeUndefined();
    expect(fake.reads).toBe(0);
    fake.respond().cancel();
    expect(codes(fake)).toEqual([status.UNAVAILABLE]);
    expect(gate.inFlight).toBe(0);
  });

  test("L6: a refusal has no headers: on the wire, the client sees a status alone", async () => {
    const gate = drainGate();
    await using server = await rawServer({ Get: () => "not reached" }, { interceptors: [gate.interceptor] });
    using client = rawClient(server.target);
    await gate.drain();
    const stream = client.open("Get", metadataOf({}), { deadline: Date.now() + 5_000 });
    const seen: unknown[] = [];
    const { promise, resolve } = Promise.withResolvers<{ metadata: { get(key: string): unknown } }>();
    stream
      .on("metadata", () => seen.push("headers"))
      .on("error", () => "in the status too")
      .resume();
    stream.on("status", resolve).end();
    expect((await promise).metadata.get("grpc-retry-pushback-ms")).toEqual(["0"]);
    expect(seen).toEqual([]);
  });

  test.each([{ requestStream: true }, { responseStream: true }])(
    "L3: ends open streams with DRAINING when draining begins, and stops their handlers: %o",
    async (shape) => {
      const gate = drainGate();
      const { context, fake } = aCall(gate, shape);
      context.signal.addEventListener("abort", () => fake.end(status.CANCELLED));
      expect(await settled(gate.drain())).toBe(true);
      expect(context.signal.reason).toMatchObject({ name: "AbortError" });
      expect(detailsOf(fake.status.metadata)?.reason).toBe("DRAINING");
      // A handler that ignores its signal goes on, to nobody.
      fake.respond().cancel();
      expect(codes(fake)).toEqual([status.UNAVAILABLE]);
      expect(fake.client.messages).toEqual([]);
    },
  );

  test("L3: lets unary calls finish", async () => {
    const gate = drainGate();
    const { context, fake } = aCall(gate);
    const drained = gate.drain();
    expect(gate).toMatchObject({ draining: true, inFlight: 1 });
    expect(await settled(drained)).toBe(false);
    expect(context.signal.aborted).toBe(false);
    fake.respond();
    expect(codes(fake)).toEqual([status.OK]);
    await drained;
    expect(gate.inFlight).toBe(0);
  });

  test("L3: cut() ends what is left, and its handler", async () => {
    const gate = drainGate();
    const { context, fake } = aCall(gate);
    const drained = gate.drain();
    gate.cut();
    await drained;
    expect(detailsOf(fake.status.metadata)?.reason).toBe("DRAINING");
    expect(context.signal.aborted).toBe(true);
    fake.respond();
    expect(codes(fake)).toEqual([status.UNAVAILABLE]);
  });

  test("L5: health is answered while the server drains, and a watch of it goes on until cut()", async () => {
    const gate = drainGate();
    const watch = aCall(gate, { path: "/grpc.health.v1.Health/Watch", responseStream: true });
    expect(await settled(gate.drain())).toBe(true);
    expect(codes(watch.fake)).toEqual([]);
    const check = aCall(gate, { path: "/grpc.health.v1.Health/Check" });
    check.fake.respond();
    expect(codes(check.fake)).toEqual([status.OK]);
    gate.cut();
    expect(codes(watch.fake)).toEqual([status.UNAVAILABLE]);
    expect(codes(aCall(gate, { path: "/grpc.health.v1.Health/Watch" }).fake)).toEqual([status.UNAVAILABLE]);
  });

  test("counts each call once, however it ends", () => {
    const gate = drainGate();
    const calls = [aCall(gate), aCall(gate), aCall(gate)].map(({ fake }) => fake);
    expect(gate.inFlight).toBe(3);
    calls[0]?.respond().cancel();
    calls[1]?.cancel();
    calls[1]?.cancel();
    calls[2]?.end(status.NOT_FOUND).end(status.OK);
    expect(gate.inFlight).toBe(0);
  });

  test("drain() and cut() again, in any order, change nothing", async () => {
    const gate = drainGate();
    const { fake } = aCall(gate);
    gate.cut();
    gate.cut();
    await gate.drain();
    await gate.drain();
    expect(codes(fake)).toEqual([status.UNAVAILABLE]);
  });

  test("E7: a call that is over before it begins is not counted", () => {
    const gate = drainGate();
    const late: ServerInterceptor = (_, call) =>
      new ServerInterceptingCall(call, { start: (next) => next({ onReceiveMetadata: () => "kept back" }) });
    new FakeServerCall([late, gate.interceptor]).start().cancel();
    expect(gate.inFlight).toBe(0);
  });
});
