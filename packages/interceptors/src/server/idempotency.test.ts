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
import { detailsOf } from "../status.ts";
import { describeIdempotencyStore, type StoreUnderTest } from "../testing/idempotency-store.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { FakeServerCall, type ServerCallShape } from "../testing/server-call.ts";
import { currentClaim, type IdempotencyEvent, type IdempotencyOptions, idempotency } from "./idempotency.ts";
import { outcomeOf, readKey } from "../idempotency-answers.ts";
import type { Begun, Claim, ClaimRequest, IdempotencyStore, StoredAnswer } from "../idempotency-store.ts";

/** For tests only: what it holds ends with the process, and that is when a store is needed. */
class StoreInMemory implements IdempotencyStore {
  readonly rows = new Map<
    string,
    { claim: ClaimRequest; leaseUntil: number; expires: number; answer?: StoredAnswer }
  >();
  readonly now: () => number;
  /** Steps that throw instead. */
  broken = new Set<"begin" | "finish" | "abandon">();
  /** Steps wait for it. */
  gate: Promise<void> = Promise.resolve();

  constructor(now: () => number) {
    this.now = now;
  }

  async begin(claim: ClaimRequest): Promise<Begun> {
    await this.#step("begin");
    const now = this.now();
    const row = this.rows.get(idOf(claim));
    const same = row?.claim.fingerprint.join() === claim.fingerprint.join();
    const lapsed = row !== undefined && row.leaseUntil <= now;
    const mine = row?.claim.token === claim.token || (claim.transactional && lapsed);
    if (row === undefined || row.expires <= now || (row.answer === undefined && same && mine)) {
      this.rows.set(idOf(claim), { claim, leaseUntil: now + claim.leaseMs, expires: now + claim.ttlMs });
      return { kind: "new" };
    }
    if (!same) return { kind: "mismatch" };
    if (row.answer !== undefined) return { kind: "replay", answer: row.answer };
    return lapsed ? { kind: "unknown" } : { kind: "in_progress", leaseLeftMs: row.leaseUntil - now };
  }

  async finish(claim: Claim, answer: StoredAnswer): Promise<boolean> {
    await this.#step("finish");
    const row = this.rows.get(idOf(claim));
    if (row === undefined || row.claim.token !== claim.token) return false;
    row.answer = answer;
    return true;
  }

  async abandon(claim: Claim): Promise<void> {
    await this.#step("abandon");
    const row = this.rows.get(idOf(claim));
    if (row?.claim.token === claim.token && row.answer === undefined) this.rows.delete(idOf(claim));
  }

  async #step(name: "begin" | "finish" | "abandon"): Promise<void> {
    await this.gate;
    if (this.broken.has(name)) throw new Error("The store is away");
  }
}

const idOf = ({ principal, method, key }: Claim): string => JSON.stringify([principal, method, key]);

describeIdempotencyStore("a store in memory", async (): Promise<StoreUnderTest> => {
  const clock = new ManualClock();
  return {
    store: new StoreInMemory(clock.now),
    passTime: async (ms) => clock.advance(ms),
    [Symbol.asyncDispose]: async () => undefined,
  };
});

const PATH = "/test.v1.Test/Get";

/** An interceptor over a store in memory, and calls through it. */
function aService(options: Partial<IdempotencyOptions> = {}) {
  const clock = new ManualClock();
  const store = new StoreInMemory(clock.now);
  const events: IdempotencyEvent[] = [];
  const interceptor = idempotency(
    {
      store,
      methods: () => ({
        idempotency: "UNKNOWN",
        key: "none",
        encodeRequest: (message) => Buffer.from(String(message)),
        decodeResponse: (bytes) => Buffer.from(bytes).toString(),
      }),
      principalOf: () => "alice",
      observe: (event) => void events.push(event),
      ...options,
    },
    { clock },
  );
  const open = (shape: ServerCallShape = {}) =>
    new FakeServerCall(interceptor, { metadata: { "idempotency-key": "key-1" }, ...shape });
  /** A call whose request has come in full. */
  const send = (shape: ServerCallShape = {}, request: unknown = "request") =>
    open(shape).start().receive(request).halfClose();
  return { clock, store, events, send, open, interceptor };
}

const reasonOf = (result: StatusObject) => detailsOf(result.metadata)?.reason;
const settled = async () => {
  for (let step = 0; step < 5; step += 1) await turn();
};

/** Runs the handler to its end. */
async function answered(
  call: FakeServerCall,
  end: (call: FakeServerCall) => void = (each) => void each.respond("done"),
) {
  await settled();
  expect(call.handler.halfClosed).toBe(true);
  end(call);
  await settled();
  return call;
}

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

  test("K7: keeps OK and errors of the handler, frees the key where nothing was done, and leaves the rest open", () => {
    const stored = [status.OK, status.UNKNOWN, status.NOT_FOUND, status.ALREADY_EXISTS, status.FAILED_PRECONDITION];
    stored.push(status.OUT_OF_RANGE, status.UNIMPLEMENTED, status.INTERNAL, status.DATA_LOSS);
    const freed = [status.INVALID_ARGUMENT, status.UNAUTHENTICATED, status.PERMISSION_DENIED, status.ABORTED];
    freed.push(status.RESOURCE_EXHAUSTED);
    const open = [status.CANCELLED, status.DEADLINE_EXCEEDED, status.UNAVAILABLE];
    expect(stored.map((code) => outcomeOf(code))).toEqual(stored.map(() => "store"));
    expect(freed.map((code) => outcomeOf(code))).toEqual(freed.map(() => "abandon"));
    expect(open.map((code) => outcomeOf(code))).toEqual(open.map(() => "keep_open"));
    expect(stored.length + freed.length + open.length).toBe(17);
    expect(outcomeOf(status.UNAVAILABLE, [status.UNAVAILABLE])).toBe("abandon");
  });

  test("K7: repeats an error of the handler", async () => {
    const { send } = aService();
    await answered(send(), (call) => call.end(status.FAILED_PRECONDITION, "declined", { reason: "CARD" }));
    const again = send();
    await settled();
    expect(again.status).toMatchObject({ code: status.FAILED_PRECONDITION, details: "declined" });
    expect(again.status.metadata.get("reason")).toEqual(["CARD"]);
    expect(again.client.messages).toEqual([]);
  });

  test("K7: a refused call runs when it comes again; of one that was cut the outcome is unknown", async () => {
    const { clock, store, send } = aService();
    await answered(send(), (call) => call.end(status.INVALID_ARGUMENT));
    expect(store.rows.size).toBe(0);
    await answered(send(), (call) => call.end(status.DEADLINE_EXCEEDED));
    const soon = send();
    await settled();
    expect(reasonOf(soon.status)).toBe("IDEMPOTENCY_KEY_IN_USE");
    clock.advance(60_001);
    const late = send();
    await settled();
    expect(reasonOf(late.status)).toBe("OUTCOME_UNKNOWN");
  });

  test("K7: an answer is kept even if its caller is gone, and nothing is sent to nobody", async () => {
    const { send } = aService();
    const call = send();
    await settled();
    call.cancel();
    await answered(call);
    expect(call.client).toEqual({ metadata: [], messages: [], statuses: [] });
    const again = send();
    await settled();
    expect(again.client.messages).toEqual(["done"]);
  });

  test("K7: a caller that goes away before the handler runs leaves no claim", async () => {
    const { store, send } = aService();
    const call = send();
    call.cancel();
    await settled();
    expect(call.handler.halfClosed).toBe(false);
    expect(store.rows.size).toBe(0);
  });

  test("K8: an interrupted call is in progress until its lease ends; then its outcome is unknown", async () => {
    const { clock, send } = aService({ leaseMs: 10_000, retryAfterMs: 60_000 });
    send();
    await settled();
    clock.advance(9_000);
    const early = send();
    await settled();
    expect(detailsOf(early.status.metadata)).toMatchObject({ reason: "IDEMPOTENCY_KEY_IN_USE", retryAfterMs: 1_000 });
    clock.advance(1_001);
    const late = send();
    await settled();
    expect(late.status.code).toBe(status.FAILED_PRECONDITION);
    expect(reasonOf(late.status)).toBe("OUTCOME_UNKNOWN");
    expect(late.handler.halfClosed).toBe(false);
  });

  test("K8: a transactional call runs again after the lease, and only the last one's answer counts", async () => {
    const { clock, send } = aService({ transactional: [PATH] });
    const first = send();
    await settled();
    clock.advance(60_001);
    const second = send();
    await settled();
    await answered(first, (call) => call.respond("late"));
    expect(reasonOf(first.status)).toBe("IDEMPOTENCY_KEY_IN_USE");
    expect(first.client.messages).toEqual([]);
    await answered(second);
    const third = send();
    await settled();
    expect(third.client.messages).toEqual(["done"]);
  });

  test("K8: the handler has its claim at hand, to confirm it in its transaction", async () => {
    const { store, open } = aService();
    const call = open();
    let seen: Claim | undefined;
    call.onHandlerHalfClose = () => (seen = currentClaim());
    call.start().receive("request").halfClose();
    await settled();
    const [row] = store.rows.values();
    expect(seen).toMatchObject({ principal: "alice", method: PATH, key: "key-1", token: row?.claim.token });
    expect(currentClaim()).toBeUndefined();
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

  test("K10: of a response that is too large it keeps that there was one, and says to read the result", async () => {
    const { store, send } = aService({ maxResponseBytes: 10 });
    const first = await answered(send(), (call) => call.respond("x".repeat(11)));
    expect(first.client.messages).toEqual(["x".repeat(11)]);
    expect([...store.rows.values()][0]?.answer).toMatchObject({ code: status.OK, response: undefined });
    const again = send();
    await settled();
    expect(again.status.code).toBe(status.FAILED_PRECONDITION);
    expect(detailsOf(again.status.metadata)).toMatchObject({
      reason: "RESPONSE_NOT_KEPT",
      metadata: { outcome: "OK", reread: "true" },
    });
    expect(again.handler.halfClosed).toBe(false);
    expect(
      (await answered(send({ metadata: { "idempotency-key": "b" } }), (call) => call.respond("x".repeat(10)))).status
        .code,
    ).toBe(status.OK);
    expect([...store.rows.values()][1]?.answer?.response).toHaveLength(10);
  });

  test("does not do the work while the store is away", async () => {
    const { store, send, events } = aService();
    store.broken.add("begin").add("abandon");
    const call = send();
    await settled();
    expect(call.handler.halfClosed).toBe(false);
    expect(call.status.code).toBe(status.UNAVAILABLE);
    expect(reasonOf(call.status)).toBe("DEPENDENCY_UNAVAILABLE");
    expect(events.map(({ kind }) => kind)).toEqual(["store_failed", "store_failed"]);
  });

  test("gives the caller its answer where it cannot be stored, and lets nobody do the work again", async () => {
    const { store, send, clock, events } = aService();
    store.broken.add("finish");
    const call = await answered(send());
    expect(call.client.messages).toEqual(["done"]);
    expect(events.at(-1)?.kind).toBe("not_stored");
    clock.advance(60_001);
    const again = send();
    await settled();
    expect(reasonOf(again.status)).toBe("OUTCOME_UNKNOWN");
  });

  test("answers INTERNAL, once, where the request cannot be compared or the response has no bytes", async () => {
    const uncomparable = aService({ methods: () => ({ idempotency: "UNKNOWN", key: "none" }) }).send();
    await settled();
    expect(uncomparable.client.statuses.map(({ code }) => code)).toEqual([status.INTERNAL]);
    const { send } = aService();
    const call = await answered(send(), (each) =>
      each.respond({
        toString: () => {
          throw new Error("no bytes");
        },
      }),
    );
    expect(call.client.statuses.map(({ code }) => code)).toEqual([status.INTERNAL]);
    const again = send();
    await settled();
    expect(again.status.code).toBe(status.INTERNAL);
    expect(again.handler.halfClosed).toBe(false);
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
