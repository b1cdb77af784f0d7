// SPDX-License-Identifier: MIT
import { type InterceptingCall, type Interceptor, Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { detailsOf, isLocal } from "../status.ts";
import { type CallShape, FakeCall } from "../testing/client-call.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { type IdempotencyKeyOptions, idempotencyKey, keyProblem } from "./idempotency-key.ts";

const KEY = "idempotency-key";
const tick = () => new Promise((resolve) => setImmediate(resolve));
const needed = () => ({ key: "metadata" }) as const;

function counting(): () => string {
  let count = 0;
  return () => `key-${(count += 1)}`;
}

function callWith(options: Partial<IdempotencyKeyOptions>, shape: CallShape = {}): FakeCall {
  return new FakeCall(idempotencyKey({ methods: needed, ...options }, { newKey: counting() }), shape);
}

/** As retry does: the same call twice, with the same metadata. */
const twice: Interceptor = (options, next) => {
  const [one, two] = [next(options), next(options)];
  const start = (metadata: Metadata): void => {
    one.start(metadata, {});
    two.start(metadata, {});
  };
  return { ...one, start } as unknown as InterceptingCall;
};

describe("keyProblem()", () => {
  test("K1: takes 1 to 255 visible ASCII characters and nothing else", () => {
    const visible = fc.string({ unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)) });
    fc.assert(
      fc.property(visible, (key) => {
        expect(keyProblem([key]) === undefined).toBe(key.length >= 1 && key.length <= 255);
      }),
    );
    expect(keyProblem(["x".repeat(255)])).toBeUndefined();
    expect(keyProblem(["x".repeat(256)])).toMatch(/255/);
    expect(keyProblem(["a b"])).toMatch(/visible/);
    expect(keyProblem(["ä"])).toMatch(/ASCII/);
    expect(keyProblem([""])).toMatch(/1 to/);
    expect(keyProblem(["a", "b"])).toMatch(/one value, is 2/);
  });
});

describe("idempotencyKey()", () => {
  test("K1: a method that wants a key gets one, and each call its own", () => {
    const interceptor = idempotencyKey({ methods: needed }, { newKey: counting() });
    const keys = [0, 1].map(() => new FakeCall(interceptor).start().attempt.header(KEY));
    expect(keys).toEqual(["key-1", "key-2"]);
  });

  test("K1: all attempts of one call carry the same key", () => {
    const call = new FakeCall([idempotencyKey({ methods: needed }, { newKey: counting() }), twice]);
    call.call.start(new Metadata(), {});
    expect(call.attempts.map((attempt) => attempt.header(KEY))).toEqual(["key-1", "key-1"]);
  });

  test("K1: a second call with the same Metadata object does not get the first one's key", () => {
    const metadata = new Metadata();
    const interceptor = idempotencyKey({ methods: needed }, { newKey: counting() });
    const keys = [0, 1].map(() => {
      const call = new FakeCall(interceptor);
      call.call.start(metadata, {});
      return call.attempt.header(KEY);
    });
    expect(keys).toEqual(["key-1", "key-2"]);
  });

  test("K1: keys are unique without being told how to make them", () => {
    const interceptor = idempotencyKey({ methods: needed });
    const keys = Array.from({ length: 100 }, () => new FakeCall(interceptor).start().attempt.header(KEY));
    expect(new Set(keys).size).toBe(100);
    expect(keyProblem([keys[0] ?? ""])).toBeUndefined();
  });

  test("K1: the caller's own key stays", () => {
    expect(
      callWith({}, { metadata: { [KEY]: "own" } })
        .start()
        .attempt.metadata?.get(KEY),
    ).toEqual(["own"]);
  });

  test.each([undefined, { key: "none" }, { key: "field" }] as const)("a method with %o gets none", (method) => {
    expect(
      callWith({ methods: () => method })
        .start()
        .attempt.header(KEY),
    ).toBeUndefined();
  });

  test("other methods get one if an option says so", () => {
    const also = (path: string) => path.endsWith("Get");
    expect(
      callWith({ methods: () => undefined, also })
        .start()
        .attempt.header(KEY),
    ).toBe("key-1");
  });

  test.each([
    ["unary", {}, 1],
    ["server streaming", { responseStream: true }, 0],
    ["client streaming", { requestStream: true }, 1],
    ["bidi", { requestStream: true, responseStream: true }, 0],
  ])("K1: a %s call with a key that no server takes is refused here", async (_, shape, messages) => {
    const call = callWith({}, { ...shape, metadata: { [KEY]: "x".repeat(256) } }).start();
    expect(call.statuses).toEqual([]);
    await tick();
    expect(call.attempts).toEqual([]);
    expect(call.statuses).toHaveLength(1);
    expect(call.messages).toHaveLength(messages);
    expect(call.status?.code).toBe(status.INVALID_ARGUMENT);
    expect(call.status && isLocal(call.status)).toBe(true);
    expect(detailsOf(call.status?.metadata)).toMatchObject({
      reason: "VALIDATION_FAILED",
      violations: [{ field: KEY }],
    });
  });

  test("a writer of a refused stream is not kept waiting", () => {
    const call = callWith({}, { requestStream: true, metadata: { [KEY]: "a b" } }).start();
    let told = 0;
    call.call.sendMessageWithContext({ callback: () => void (told += 1) }, "first");
    expect(told).toBe(1);
  });

  test("hands on what the caller does, and the answer", () => {
    const call = callWith({}, { requestStream: true, responseStream: true }).start();
    call.call.sendMessage("one");
    call.call.startRead();
    call.call.halfClose();
    expect(call.call.getPeer()).toBe("127.0.0.1:1");
    call.attempt.succeed("two");
    expect(call.attempt).toMatchObject({ messages: ["one"], reads: 1, halfClosed: true });
    expect(call.messages).toEqual(["two"]);
    expect(call.statuses.map(({ code }) => code)).toEqual([status.OK]);
  });

  test("can be cancelled after and before its start", async () => {
    const late = callWith({}).start();
    late.cancel();
    expect(late.statuses.map(({ code }) => code)).toEqual([status.CANCELLED]);
    const early = callWith({});
    early.cancel();
    early.start();
    await tick();
    expect(early.attempts).toEqual([]);
    expect(early.statuses.map(({ code }) => code)).toEqual([status.CANCELLED]);
  });

  test("K1: the server sees the key", async () => {
    const seen = Promise.withResolvers<unknown>();
    await using server = await rawServer({
      Get: (call) => {
        seen.resolve(call.metadata.get(KEY));
        call.end();
      },
    });
    using client = rawClient(server.target, {
      interceptors: [idempotencyKey({ methods: needed }, { newKey: counting() })],
    });
    client
      .open("Get", new Metadata())
      .on("error", seen.reject)
      .on("data", () => undefined)
      .end();
    expect(await seen.promise).toEqual(["key-1"]);
  });
});
