// SPDX-License-Identifier: MIT
import { once } from "node:events";
import { createServer, constants as http2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { encodeDetails, STATUS_DETAILS_KEY } from "../status.ts";
import { type RawHandler, rawClient, rawServer } from "../testing/raw-server.ts";
import { retry, retryChannelOptions, type RetryEvent, type RetryOptions } from "./retry.ts";

type Call = Parameters<RawHandler>[0];
/** What the server does with the n-th attempt, n from 0. */
type Answer = (call: Call, index: number) => void;

const asIs = (bytes: Buffer): Buffer => bytes;
const METHODS = () => ({ idempotency: "IDEMPOTENT" as const });

/** A server that notes each attempt that arrives, and a real client with the interceptor. */
async function wire(answer: Answer, options: Partial<RetryOptions> = {}) {
  const arrived: { at: number; metadata: Metadata; messages: string[] }[] = [];
  const server = await rawServer({
    Get: (call) => {
      const attempt = { at: performance.now(), metadata: call.metadata, messages: [] as string[] };
      const index = arrived.push(attempt) - 1;
      call.on("data", (bytes: Buffer) => attempt.messages.push(bytes.toString()));
      // A client that gives up resets the stream.
      call.on("error", () => undefined);
      answer(call, index);
    },
  });
  const counts = { deposits: 0, withdrawals: 0, failures: 0 };
  const budget = {
    deposit: () => void (counts.deposits += 1),
    withdraw: () => ++counts.withdrawals > 0,
    recordSuccess: () => undefined,
    recordFailure: () => void (counts.failures += 1),
  };
  const events: RetryEvent[] = [];
  const interceptor = retry({ methods: METHODS, budget, observe: (event) => events.push(event), ...options });
  const client = rawClient(server.target, { ...retryChannelOptions, interceptors: [interceptor] });
  return {
    arrived,
    counts,
    events,
    client,
    [Symbol.asyncDispose]: async () => {
      client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

type Failed = ServiceError & { attempts?: { peer: string; code: status; ms: number }[] };

/** A unary call, to its end. */
function call({ client }: { client: ReturnType<typeof rawClient> }, options: { deadline?: number } = {}) {
  return new Promise<{ error: Failed | null; bytes: Buffer | undefined }>((resolve) => {
    const path = "/test.v1.Test/Get";
    client.makeUnaryRequest(path, asIs, asIs, Buffer.from("hello"), new Metadata(), options, (error, bytes) =>
      resolve({ error, bytes }),
    );
  });
}

const fail = (stream: Call, code: status, trailers: Record<string, string | Buffer> = {}): void => {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  stream.emit("error", { code, details: `status ${code}`, metadata });
};

const succeed = (stream: Call): void => {
  stream.write(Buffer.from("world"));
  stream.end();
};

/** The first attempt fails like this, all others succeed. */
const failOnce =
  (trailers: Record<string, string | Buffer> = {}, code = status.UNAVAILABLE): Answer =>
  (stream, index) =>
    index === 0 ? fail(stream, code, trailers) : succeed(stream);

const retryInfo = (retryAfterMs: number) => ({
  [STATUS_DETAILS_KEY]: encodeDetails(status.UNAVAILABLE, "", { reason: "OVERLOADED", retryAfterMs }),
});

describe("retry() on the wire", () => {
  test("R1, R13: the attempts that arrive are counted in their metadata, and carry the same request", async () => {
    await using server = await wire((stream, index) =>
      index < 2 ? fail(stream, status.UNAVAILABLE) : succeed(stream),
    );
    expect(await call(server)).toMatchObject({ error: null, bytes: Buffer.from("world") });
    const { arrived } = server;
    expect(arrived.map(({ metadata }) => metadata.get("grpc-previous-rpc-attempts"))).toEqual([[], ["1"], ["2"]]);
    expect(arrived.map(({ metadata }) => metadata.get("x-retry-credit"))).toEqual([["2"], ["1"], ["0"]]);
    expect(arrived[2]?.messages).toEqual(["hello"]);
  });

  test("R5: what a client with our channel options does by itself for a refused stream takes no token", async () => {
    // An HTTP/2 server that refuses the first stream before any of it is handled.
    const streams: string[] = [];
    const refusing = createServer((request, response) => void request.resume().on("end", () => response.end()));
    refusing.on("stream", (stream, headers) => {
      streams.push(String(headers["grpc-previous-rpc-attempts"]));
      if (streams.length === 1) return stream.close(http2.NGHTTP2_REFUSED_STREAM);
      stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "5" }, { endStream: true });
    });
    await once(refusing.listen(0, "127.0.0.1"), "listening");
    const counts = { withdrawals: 0, failures: 0 };
    const budget = {
      deposit: () => undefined,
      withdraw: () => ++counts.withdrawals > 0,
      recordSuccess: () => undefined,
      recordFailure: () => void (counts.failures += 1),
    };
    const target = `127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    using client = rawClient(target, { ...retryChannelOptions, interceptors: [retry({ methods: METHODS, budget })] });
    expect((await call({ client })).error?.code).toBe(status.NOT_FOUND);
    // R12: transparent retries neither count nor withdraw; R13: they do not show either.
    expect(streams).toEqual(["undefined", "undefined"]);
    expect(counts).toEqual({ withdrawals: 0, failures: 0 });
    refusing.close();
  });

  test("R6: nothing is sent again once headers have arrived", async () => {
    await using server = await wire((stream) => {
      stream.sendMetadata(new Metadata());
      fail(stream, status.UNAVAILABLE);
    });
    expect((await call(server)).error?.code).toBe(status.UNAVAILABLE);
    expect(server.arrived).toHaveLength(1);
    expect(server.events).toMatchObject([{ kind: "stopped", why: "committed" }]);
  });

  test("R6: unless headers of a unary call may wait for its message", async () => {
    const answer: Answer = (stream, index) => {
      stream.sendMetadata(new Metadata());
      failOnce()(stream, index);
    };
    await using server = await wire(answer, { commitOn: "message" });
    expect((await call(server)).error).toBeNull();
    expect(server.arrived).toHaveLength(2);
  });

  test("R7: a stream of 40 messages is sent again from the first one, in order", async () => {
    const sent = Array.from({ length: 40 }, (_, n) => String(n));
    await using server = await wire((stream, index) => {
      if (index === 0) stream.once("data", () => setImmediate(() => fail(stream, status.UNAVAILABLE)));
      else stream.on("end", () => succeed(stream));
    });
    const stream = server.client.open("Get", new Metadata());
    const received: string[] = [];
    stream.on("data", (bytes: Buffer) => received.push(bytes.toString()));
    for (const message of sent) stream.write(Buffer.from(message));
    stream.end();
    await once(stream, "end");
    expect(received).toEqual(["world"]);
    expect(server.arrived).toHaveLength(2);
    expect(server.arrived[1]?.messages).toEqual(sent);
  });

  test("R7: 1 MiB is too much to keep: it all arrives once, and is not sent again", async () => {
    await using server = await wire((stream) => {
      let bytes = 0;
      stream.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes === 1_048_576) fail(stream, status.UNAVAILABLE);
      });
    });
    const stream = server.client.open("Get", new Metadata()).resume();
    const ended = statusOf(stream);
    for (let n = 0; n < 64; n++) stream.write(Buffer.alloc(16_384));
    expect(await ended).toBe(status.UNAVAILABLE);
    expect(server.arrived).toHaveLength(1);
    expect(server.events).toMatchObject([{ why: "committed" }]);
  });

  test("R7: a server stream is repeated before its first message, and never after", async () => {
    await using server = await wire((stream, index) => {
      if (index === 0) return fail(stream, status.UNAVAILABLE);
      for (const message of ["a", "b", "c"]) stream.write(Buffer.from(message));
      setImmediate(() => fail(stream, status.UNAVAILABLE));
    });
    const stream = server.client.open("Get", new Metadata());
    const received: string[] = [];
    stream.on("data", (bytes: Buffer) => received.push(bytes.toString())).end();
    expect(await statusOf(stream)).toBe(status.UNAVAILABLE);
    expect(received).toEqual(["a", "b", "c"]);
    expect(server.arrived).toHaveLength(2);
  });

  test("R8: the wait is between two arrivals", async () => {
    await using server = await wire(failOnce(), { baseDelayMs: 100, jitter: "plus-minus-20" });
    await call(server);
    expect(gapMs(server)).toBeGreaterThanOrEqual(78);
  });

  test("R9: a deadline that is shorter than the wait ends the call at once, with UNAVAILABLE", async () => {
    await using server = await wire((stream) => fail(stream, status.UNAVAILABLE), {
      baseDelayMs: 10_000,
      maxDelayMs: 10_000,
      jitter: "plus-minus-20",
    });
    const before = performance.now();
    const { error } = await call(server, { deadline: Date.now() + 5_000 });
    expect(performance.now() - before).toBeLessThan(2_500);
    expect(error?.code).toBe(status.UNAVAILABLE);
    expect(server.arrived).toHaveLength(1);
    expect(server.events).toMatchObject([{ why: "no_time" }]);
  });

  test("R9: so does a pushback beyond the deadline", async () => {
    await using server = await wire(failOnce({ "grpc-retry-pushback-ms": "60000" }));
    const { error } = await call(server, { deadline: Date.now() + 5_000 });
    expect(error?.code).toBe(status.UNAVAILABLE);
    expect(server.arrived).toHaveLength(1);
  });

  test("R10: a pushback is waited for, instead of the backoff", async () => {
    const slow = { baseDelayMs: 5_000, maxDelayMs: 5_000, jitter: "plus-minus-20" } as const;
    await using server = await wire(failOnce({ "grpc-retry-pushback-ms": "60" }), slow);
    expect((await call(server)).error).toBeNull();
    expect(gapMs(server)).toBeGreaterThanOrEqual(58);
    expect(gapMs(server)).toBeLessThan(2_500);
  });

  test.each(["-1", "soon", "1.5", "00", "", "+5", "99999999999"])(
    "R10: a pushback of %o means that nothing is sent again",
    async (pushback) => {
      await using server = await wire(failOnce({ "grpc-retry-pushback-ms": pushback }));
      expect((await call(server)).error?.code).toBe(status.UNAVAILABLE);
      expect(server.arrived).toHaveLength(1);
      expect(server.counts).toEqual({ deposits: 1, withdrawals: 0, failures: 1 });
    },
  );

  test("R11: RetryInfo makes the wait longer", async () => {
    await using server = await wire(failOnce(retryInfo(120)), { baseDelayMs: 1 });
    expect((await call(server)).error).toBeNull();
    expect(gapMs(server)).toBeGreaterThanOrEqual(118);
  });

  test("R11: a pushback wins over RetryInfo", async () => {
    await using server = await wire(failOnce({ ...retryInfo(30_000), "grpc-retry-pushback-ms": "1" }));
    expect((await call(server)).error).toBeNull();
    expect(gapMs(server)).toBeLessThan(5_000);
  });

  test("R12: without a token nothing is sent again, and nothing is waited for", async () => {
    const budget = { deposit() {}, withdraw: () => false, recordSuccess() {}, recordFailure() {} };
    const slow = { baseDelayMs: 10_000, maxDelayMs: 10_000, jitter: "plus-minus-20" } as const;
    await using server = await wire((stream) => fail(stream, status.UNAVAILABLE), { budget, ...slow });
    const before = performance.now();
    await call(server);
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(server.arrived).toHaveLength(1);
  });

  test("R15: a server that hangs costs one attempt's time, not the call's", async () => {
    await using server = await wire((stream, index) => (index === 0 ? undefined : succeed(stream)));
    const interceptors = [
      retry({
        methods: METHODS,
        budget: { deposit() {}, withdraw: () => true, recordSuccess() {}, recordFailure() {} },
      }),
      shortened(100),
    ];
    using client = rawClient(server.client.getChannel().getTarget(), { interceptors });
    expect((await call({ client }, { deadline: Date.now() + 10_000 })).error).toBeNull();
    expect(server.arrived).toHaveLength(2);
  });

  test("R16: the caller's error has the attempts, with host and code", async () => {
    await using server = await wire((stream) => fail(stream, status.UNAVAILABLE), { maxAttempts: 2 });
    const { error } = await call(server);
    const peer = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
    expect(error?.attempts).toEqual([1, 2].map(() => ({ peer, code: status.UNAVAILABLE, ms: expect.any(Number) })));
    expect(error?.metadata.get("grpc-previous-rpc-attempts")).toEqual(["1"]);
  });

  test("R17: cancelling during the wait opens no stream afterwards", async () => {
    const { promise: waiting, resolve } = Promise.withResolvers<void>();
    await using server = await wire((stream) => fail(stream, status.UNAVAILABLE), {
      baseDelayMs: 50,
      jitter: "plus-minus-20",
      observe: () => resolve(),
    });
    const stream = server.client.open("Get", new Metadata()).resume();
    const ended = statusOf(stream);
    await waiting;
    stream.cancel();
    expect(await ended).toBe(status.CANCELLED);
    // A stream that was opened for it would arrive before this one.
    const next = call(server);
    await next;
    expect(server.arrived.filter(({ metadata }) => metadata.get("grpc-previous-rpc-attempts").length > 0)).toHaveLength(
      2,
    );
  });
});

/** What a stream ends with; the error that grpc-js raises as well is no surprise here. */
function statusOf(stream: ReturnType<ReturnType<typeof rawClient>["open"]>): Promise<status> {
  const { promise, resolve } = Promise.withResolvers<status>();
  stream.on("error", () => undefined).on("status", ({ code }) => resolve(code));
  return promise;
}

/** Between the first two attempts, as the server sees it. */
function gapMs({ arrived: [first, second] }: { arrived: { at: number }[] }): number {
  return (second?.at ?? 0) - (first?.at ?? 0);
}

/** What client/attempt-timeout.ts does. */
function shortened(timeoutMs: number): ReturnType<typeof retry> {
  return (options, nextCall) =>
    nextCall({ ...options, deadline: Date.now() + timeoutMs }) as ReturnType<ReturnType<typeof retry>>;
}
