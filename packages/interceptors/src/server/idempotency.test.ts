// SPDX-License-Identifier: MIT
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerInterceptor,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, rpcContext } from "../context.ts";
import { readKey } from "../idempotency-answers.ts";
import type { ClaimRequest } from "../idempotency-store.ts";
import { detailsOf } from "../status.ts";
import { describeIdempotencyStore, type StoreUnderTest } from "../testing/idempotency-store.ts";
import { answered, aService, StoreInMemory, settled } from "../testing/idempotent-service.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { ServerCallShape } from "../testing/server-call.ts";
import { type IdempotencyOptions, idempotency } from "./idempotency.ts";

const PATH = "/test.v1.Test/Get";

const reasonOf = (result: StatusObject) => detailsOf(result.metadata)?.reason;

/** A server with one unary method of bytes, and a client of it. */
async function unaryServer(interceptor: ServerInterceptor, run: () => Buffer) {
  const asIs = (bytes: Buffer): Buffer => bytes;
  const codec = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const server = new Server({ interceptors: [interceptor] });
  const work = (_: unknown, respond: (error: null, answer: Buffer) => void) => respond(null, run());
  server.addService({ Get: { path: PATH, requestStream: false, responseStream: false, ...codec } }, { Get: work });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  );
  const client = new Client(`127.0.0.1:${await promise}`, credentials.createInsecure());
  return {
    async call(key: string, request: Buffer) {
      const metadata = new Metadata();
      metadata.set("idempotency-key", key);
      let answer: Buffer | undefined;
      let headers: Metadata | undefined;
      const call = client.makeUnaryRequest(PATH, asIs, asIs, request, metadata, (_, value) => (answer = value));
      call.on("metadata", (received: Metadata) => (headers = received));
      const [result] = (await once(call, "status")) as [StatusObject];
      await turn();
      return { answer, headers, status: result };
    },
    [Symbol.asyncDispose]: async () => {
      client.close();
      server.forceShutdown();
    },
  };
}

describeIdempotencyStore("a store in memory", async (): Promise<StoreUnderTest> => {
  const clock = new ManualClock();
  return {
    store: new StoreInMemory(clock.now),
    passTime: async (ms) => clock.advance(ms),
    [Symbol.asyncDispose]: async () => undefined,
  };
});

describe("idempotency()", () => {
  test("K1: takes a key of 1 to 255 visible ASCII characters, one of them, and no other", () => {
    const keyed = (...values: string[]) => {
      const metadata = new Metadata();
      for (const each of values) metadata.add("idempotency-key", each);
      return readKey(metadata);
    };
    expect(keyed()).toBeUndefined();
    expect(keyed("a")).toBe("a");
    expect(keyed("x".repeat(255))).toBe("x".repeat(255));
    expect(keyed("x".repeat(256))).toBeNull();
    expect(keyed("")).toBeNull();
    expect(keyed("a", "b")).toBeNull();
    // What arrives of two on the wire.
    expect(keyed("a, b")).toBeNull();
    const call = aService().send({ metadata: { "idempotency-key": "x".repeat(256) } });
    expect(call.status.code).toBe(status.INVALID_ARGUMENT);
    expect(detailsOf(call.status.metadata)?.violations).toMatchObject([{ field: "idempotency-key" }]);
  });

  test("K2: what counts is the principal, the whole method and the bytes of the request", async () => {
    const seen: ClaimRequest[] = [];
    const context = newContext({
      requestId: "request-1",
      trace: { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false },
      principal: { id: "bob", roles: [] },
    });
    const { store, send } = aService({ principalOf: () => rpcContext.get()?.principal?.id });
    const begin = store.begin.bind(store);
    store.begin = (claim) => (seen.push(claim), begin(claim));
    rpcContext.run(context, () => send());
    await settled();
    expect(seen).toMatchObject([{ principal: "bob", method: PATH, key: "key-1" }]);
    // SHA-256 of "request".
    expect(Buffer.from(seen[0]?.fingerprint ?? []).toString("hex")).toMatch(/^1f58b914.{56}$/);
  });

  test("K3: claims for longer than the call has, and answers only when the answer is stored", async () => {
    const { clock, store, send } = aService();
    const call = send({ deadline: clock.now() + 300_000 });
    await settled();
    const [row] = store.rows.values();
    expect(row?.leaseUntil).toBeGreaterThan(clock.now() + 300_000);
    expect(row?.expires).toBe(clock.now() + 86_400_000);
    const gate = Promise.withResolvers<void>();
    store.gate = gate.promise;
    call.call.sendMetadata(new Metadata());
    call.respond("done");
    call.end(status.INTERNAL);
    await settled();
    // Not even headers: with them the client could not try again.
    expect(call.client).toEqual({ metadata: [], messages: [], statuses: [] });
    gate.resolve();
    await settled();
    expect(row?.answer).toMatchObject({ code: status.OK, response: Buffer.from("done") });
    expect(call.client.metadata).toHaveLength(1);
    expect(call.client.messages).toEqual(["done"]);
    expect(call.client.statuses.map(({ code }) => code)).toEqual([status.OK]);
  });

  test("K4: repeats a stored answer, its trailers included, without the handler", async () => {
    const { send } = aService();
    await answered(send(), (call) => {
      call.call.sendMessage("done", () => undefined);
      call.end(status.OK, "fine", { "x-order": "7", "y-bin": Buffer.from([1, 255]), "grpc-retry-pushback-ms": "5" });
    });
    const again = send();
    await settled();
    expect(again.handler.halfClosed).toBe(false);
    expect(again.client.metadata[0]?.get("idempotent-replayed")).toEqual(["true"]);
    expect(again.client.messages).toEqual(["done"]);
    expect(again.status).toMatchObject({ code: status.OK, details: "fine" });
    expect(again.status.metadata.getMap()).toEqual({ "x-order": "7", "y-bin": Buffer.from([1, 255]) });
    expect(again.client.statuses).toHaveLength(1);
  });

  test("K5: refuses the key with another request", async () => {
    const { send } = aService();
    await answered(send());
    const other = send({}, "another");
    await settled();
    expect(other.status.code).toBe(status.INVALID_ARGUMENT);
    expect(reasonOf(other.status)).toBe("IDEMPOTENCY_KEY_REUSED");
    expect(other.handler.halfClosed).toBe(false);
  });

  test("K6: tells who repeats a call in progress when to come back", async () => {
    const { send } = aService({ leaseMs: 60_000, retryAfterMs: 700 });
    send();
    const second = send();
    await settled();
    expect(second.status.code).toBe(status.ABORTED);
    expect(detailsOf(second.status.metadata)).toMatchObject({ reason: "IDEMPOTENCY_KEY_IN_USE", retryAfterMs: 700 });
    expect(second.handler.halfClosed).toBe(false);
  });

  test("K6: of 50 calls at once one runs", async () => {
    const { send } = aService();
    const calls = Array.from({ length: 50 }, () => send());
    await settled();
    expect(calls.filter(({ handler }) => handler.halfClosed)).toHaveLength(1);
    const others = calls.flatMap(({ client }) => client.statuses.map(({ code }) => code));
    expect(others).toEqual(Array.from({ length: 49 }, () => status.ABORTED));
  });

  test("K9: a method that requires a key refuses calls without, before it reads them", () => {
    const methods = () => ({ idempotency: "IDEMPOTENT", key: "metadata" }) as const;
    const call = aService({ methods }).open({ metadata: {} }).start();
    expect(call.status.code).toBe(status.INVALID_ARGUMENT);
    expect(detailsOf(call.status.metadata)).toMatchObject({
      reason: "IDEMPOTENCY_KEY_REQUIRED",
      violations: [{ field: "idempotency-key" }],
    });
    expect(call.reads).toBe(0);
    expect(call.client.metadata).toEqual([]);
  });

  test("K9: leaves alone what has no key, streams, only reads, has its key in a field, or is not known", async () => {
    const passes = async (shape: ServerCallShape, options: Partial<IdempotencyOptions> = {}) => {
      const { store, send } = aService(options);
      const call = send(shape);
      expect(call.handler.halfClosed).toBe(true);
      call.respond();
      expect(call.client.messages).toEqual(["ok"]);
      expect(call.status.code).toBe(status.OK);
      expect(store.rows.size).toBe(0);
    };
    await passes({ metadata: {} });
    await passes({ requestStream: true });
    await passes({ responseStream: true });
    await passes({}, { methods: () => ({ idempotency: "NO_SIDE_EFFECTS", key: "none" }) });
    await passes({}, { methods: () => ({ idempotency: "IDEMPOTENT", key: "field" }) });
    await passes({}, { methods: () => undefined });
  });

  test("K4: on the wire the second answer is the first one byte by byte, and refusals are trailers alone", async () => {
    let runs = 0;
    const store = new StoreInMemory(Date.now);
    const methods = () => ({ idempotency: "UNKNOWN", key: "metadata" }) as const;
    await using server = await unaryServer(idempotency({ store, methods }), () => Buffer.from([0, 255, (runs += 1)]));
    const first = await server.call("key-1", Buffer.from("request"));
    const second = await server.call("key-1", Buffer.from("request"));
    expect([first, second].map(({ answer }) => answer)).toEqual([Buffer.from([0, 255, 1]), Buffer.from([0, 255, 1])]);
    expect(second.headers?.get("idempotent-replayed")).toEqual(["true"]);
    expect(first.headers?.get("idempotent-replayed")).toEqual([]);
    const other = await server.call("key-1", Buffer.from("another"));
    expect(reasonOf(other.status)).toBe("IDEMPOTENCY_KEY_REUSED");
    expect(other.headers).toBeUndefined();
    expect(runs).toBe(1);
  });

  test("refuses numbers that make no sense", () => {
    const build = (options: Partial<IdempotencyOptions>) => () => aService(options);
    expect(build({ leaseMs: 0 })).toThrow("Cannot build idempotency: leaseMs must be 1 to 86400000, is 0");
    expect(build({ ttlMs: 59_999 })).toThrow(RangeError);
    expect(build({ maxResponseBytes: -1 })).toThrow(RangeError);
    expect(build({ retryAfterMs: 0 })).toThrow(RangeError);
    expect(build({ storeTimeoutMs: Number.NaN })).toThrow(RangeError);
  });

  const must = "transactional must be /pkg.Service/Method, is";
  test.each<[Partial<IdempotencyOptions>, string]>([
    [{ releaseOn: [status.ABORTED, status.OK] }, "releaseOn must be 1 to 16, is 0"],
    [{ releaseOn: [Number("17")] }, "releaseOn must be 1 to 16, is 17"],
    [{ releaseOn: ["ABORTED" as never] }, "releaseOn must be 1 to 16, is NaN"],
    [{ transactional: ["test.v1.Test/Get"] }, `${must} test.v1.Test/Get`],
    [{ transactional: ["/test.v1.Test/"] }, `${must} /test.v1.Test/`],
    [{ transactional: ["get"] }, `${must} get`],
  ])("refuses %j", (options, text) => {
    expect(() => aService(options)).toThrow(new RangeError(`Cannot build idempotency: ${text}`));
  });
});
