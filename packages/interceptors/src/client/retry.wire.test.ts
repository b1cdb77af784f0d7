// SPDX-License-Identifier: MIT
import { once } from "node:events";
import { createServer, constants as http2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { encodeDetails, STATUS_DETAILS_KEY } from "../status.ts";
import { rawClient } from "../testing/raw-server.ts";
import { call, fail, failOnce, METHODS, statusOf, succeed, wire } from "../testing/retried-on-the-wire.ts";
import { retry, retryChannelOptions } from "./retry.ts";

const retryInfo = (retryAfterMs: number) => ({
  [STATUS_DETAILS_KEY]: encodeDetails(status.UNAVAILABLE, "", { reason: "OVERLOADED", retryAfterMs }),
});

/** Between the first two attempts, as the server sees it. */
function gapMs({ arrived: [first, second] }: { arrived: { at: number }[] }): number {
  return (second?.at ?? 0) - (first?.at ?? 0);
}

/** What client/attempt-timeout.ts does. */
function shortened(timeoutMs: number): ReturnType<typeof retry> {
  return (options, nextCall) =>
    nextCall({ ...options, deadline: Date.now() + timeoutMs }) as ReturnType<ReturnType<typeof retry>>;
}

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
