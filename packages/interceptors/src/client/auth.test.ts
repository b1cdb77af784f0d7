// SPDX-License-Identifier: MIT
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { detailsOf, isLocal } from "../status.ts";
import { type CallShape, type FakeAttempt, FakeCall } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { type AuthEvent, type AuthOptions, auth, type Token, TokenCache } from "./auth.ts";

const tick = () => new Promise((resolve) => setImmediate(resolve));
const HOUR = 3_600_000;

/** A source of token-1, token-2 …, each of which holds for an hour. What it gives and when can be decided by the test. */
function aSource(clock: ManualClock) {
  const source = {
    asked: 0,
    next: undefined as Promise<Token> | undefined,
    token: (): Promise<Token> => {
      source.asked += 1;
      return source.next ?? Promise.resolve({ value: `token-${source.asked}`, expiresAt: clock.now() + HOUR });
    },
  };
  return source;
}

function setup(options: Partial<AuthOptions> = {}) {
  const clock = new ManualClock();
  const source = aSource(clock);
  const events: AuthEvent[] = [];
  const observe = (event: AuthEvent): void => void events.push(event);
  const interceptor = auth({ token: source.token, observe, ...options }, { clock });
  const call = (shape: CallShape = {}): FakeCall => new FakeCall(interceptor, shape);
  /** With the first token in the cache, and no longer new. */
  const warm = async (): Promise<void> => {
    call().start();
    await tick();
    clock.advance(5_000);
  };
  return { clock, source, events, call, warm };
}

const bearerOf = (attempt: FakeAttempt | undefined) => attempt?.header("authorization");
const refuse = (attempt: FakeAttempt): void => attempt.end(status.UNAUTHENTICATED);

describe("TokenCache", () => {
  test("T5: asks its source once, however many wait, and again when the token's time is over", async () => {
    const clock = new ManualClock();
    const source = aSource(clock);
    const cache = new TokenCache({ token: source.token });
    expect(cache.current(clock)).toBeUndefined();
    const values = await Promise.all([cache.renew(clock), cache.renew(clock)]);
    expect(values).toEqual(["token-1", "token-1"]);
    clock.advance(HOUR - 1);
    expect(cache.current(clock)).toBe("token-1");
    await tick();
    clock.advance(HOUR);
    expect(cache.current(clock)).toBeUndefined();
  });

  test("T5: renews ahead of the end, without making anybody wait", async () => {
    const clock = new ManualClock();
    const source = aSource(clock);
    const cache = new TokenCache({ token: source.token, refreshAheadMs: 10_000 });
    await cache.renew(clock);
    clock.advance(HOUR - 10_001);
    expect(cache.current(clock)).toBe("token-1");
    expect(source.asked).toBe(1);
    clock.advance(1);
    expect(cache.current(clock)).toBe("token-1");
    await tick();
    expect(cache.current(clock)).toBe("token-2");
  });

  test("a short-lived token is not renewed all the time", async () => {
    const clock = new ManualClock();
    let asked = 0;
    const token = async () => ({ value: `token-${(asked += 1)}`, expiresAt: clock.now() + 10_000 });
    const cache = new TokenCache({ token, refreshAheadMs: 30_000 });
    await cache.renew(clock);
    clock.advance(7_999);
    expect(cache.current(clock)).toBe("token-1");
    await tick();
    expect(asked).toBe(1);
  });

  test("a failed renewal ahead of the end leaves the token that still holds, and ends nothing", async () => {
    const clock = new ManualClock();
    const source = aSource(clock);
    const events: AuthEvent[] = [];
    const cache = new TokenCache({ token: source.token, observe: (event) => events.push(event) });
    await cache.renew(clock);
    clock.advance(HOUR - 1_000);
    source.next = Promise.reject(new Error("The issuer is down"));
    expect(cache.current(clock)).toBe("token-1");
    await tick();
    expect(events.at(-1)).toMatchObject({ kind: "refresh_failed" });
    expect(cache.current(clock)).toBe("token-1");
    await tick();
  });

  test("T5: forgets a refused token, but not one that is quite new, nor one that took its place", async () => {
    const clock = new ManualClock();
    const cache = new TokenCache({ token: aSource(clock).token });
    await cache.renew(clock);
    cache.refuse("token-1", clock.now() + 999);
    expect(cache.current(clock)).toBe("token-1");
    cache.refuse("token-0", clock.now() + 1_000);
    expect(cache.current(clock)).toBe("token-1");
    cache.refuse("token-1", clock.now() + 1_000);
    expect(cache.current(clock)).toBeUndefined();
  });
});

describe("auth()", () => {
  test("T5: an attempt waits for the first token, with all that the caller does meanwhile", async () => {
    const { call } = setup();
    const stream = call({ requestStream: true, responseStream: true }).start();
    stream.call.sendMessage("one");
    stream.call.sendMessage("two");
    stream.call.startRead();
    stream.call.halfClose();
    expect(stream.attempts).toEqual([]);
    await tick();
    expect(bearerOf(stream.attempt)).toBe("Bearer token-1");
    expect(stream.attempt).toMatchObject({ messages: ["one", "two"], reads: 1, halfClosed: true });
    stream.attempt.succeed("three");
    expect(stream).toMatchObject({ messages: ["three"], statuses: [{ code: status.OK }] });
  });

  test("T5: with a token at hand an attempt starts at once, and every attempt has the current one", async () => {
    const { call, warm, clock } = setup();
    await warm();
    expect(bearerOf(call().start().attempt)).toBe("Bearer token-1");
    clock.advance(HOUR);
    const later = call().start();
    await tick();
    expect(bearerOf(later.attempt)).toBe("Bearer token-2");
  });

  test("does not write into the Metadata that the next attempt starts with", async () => {
    const { call, warm } = setup();
    await warm();
    const metadata = new Metadata();
    call().call.start(metadata, {});
    expect(metadata.getMap()).toEqual({});
  });

  test("the caller's own credentials stay", async () => {
    const { call, source } = setup();
    const own = call({ metadata: { authorization: "Basic abc" } }).start();
    expect(bearerOf(own.attempt)).toBe("Basic abc");
    refuse(own.attempt);
    await tick();
    expect(own.statuses).toMatchObject([{ code: status.UNAUTHENTICATED }]);
    expect(source.asked).toBe(0);
  });

  test.each([
    ["unary", {}, 0],
    ["server streaming", { responseStream: true }, 1],
  ])("T5: a %s call that is UNAUTHENTICATED is sent once more, with a new token", async (_, shape, reads) => {
    const { call, warm, events } = setup();
    await warm();
    const refused = call(shape).start();
    if (reads > 0) refused.call.startRead();
    refuse(refused.attempt);
    await tick();
    expect(refused.attempts).toHaveLength(2);
    expect(bearerOf(refused.attempt)).toBe("Bearer token-2");
    expect(refused.attempt).toMatchObject({
      messages: ["request"],
      halfClosed: true,
      reads,
    });
    expect(refused.messages).toEqual([]);
    refused.attempt.succeed("answer");
    expect(refused.messages).toEqual(["answer"]);
    expect(refused.statuses).toMatchObject([{ code: status.OK }]);
    expect(events).toContainEqual({ kind: "sent_again", path: "/test.v1.Test/Get" });
  });

  test("T5: and not a third time", async () => {
    const { call, warm, clock } = setup();
    await warm();
    const refused = call().start();
    refuse(refused.attempt);
    await tick();
    clock.advance(5_000);
    refuse(refused.attempt);
    await tick();
    expect(refused.attempts).toHaveLength(2);
    expect(refused.messages).toEqual([null]);
    expect(refused.statuses).toMatchObject([{ code: status.UNAUTHENTICATED }]);
  });

  test("T5: 50 calls that are refused at once cost one new token", async () => {
    const { call, warm, source } = setup();
    await warm();
    const calls = Array.from({ length: 50 }, () => call().start());
    for (const { attempt } of calls) refuse(attempt);
    await tick();
    for (const { attempt } of calls) attempt.succeed();
    expect(source.asked).toBe(2);
    expect(calls.map(({ attempts }) => bearerOf(attempts[1]))).toEqual(Array(50).fill("Bearer token-2"));
    expect(calls.map(({ statuses }) => statuses.length)).toEqual(Array(50).fill(1));
  });

  test("T5: nothing is sent again once the caller has seen headers or a message", async () => {
    const { call, warm } = setup();
    await warm();
    const headers = call().start();
    headers.attempt.sendHeaders();
    const message = call({ responseStream: true }).start();
    message.attempt.sendMessage("one");
    for (const { attempt } of [headers, message]) refuse(attempt);
    await tick();
    for (const { attempts, statuses } of [headers, message]) {
      expect(attempts).toHaveLength(1);
      expect(statuses).toMatchObject([{ code: status.UNAUTHENTICATED }]);
    }
  });

  test("a request stream is not sent again, but the next call has a new token", async () => {
    const { call, warm } = setup();
    await warm();
    const stream = call({ requestStream: true }).start();
    refuse(stream.attempt);
    expect(stream.statuses).toMatchObject([{ code: status.UNAUTHENTICATED }]);
    const next = call().start();
    await tick();
    expect(bearerOf(next.attempt)).toBe("Bearer token-2");
  });

  test("T5: a token that the source gives again is not tried again", async () => {
    const { call, warm, source } = setup();
    await warm();
    source.next = Promise.resolve({ value: "token-1" });
    const refused = call().start();
    refuse(refused.attempt);
    await tick();
    expect(refused.attempts).toHaveLength(1);
    expect(refused.statuses).toMatchObject([{ code: status.UNAUTHENTICATED }]);
  });

  test("PERMISSION_DENIED is not the token's fault", async () => {
    const { call, warm, source } = setup();
    await warm();
    const denied = call().start();
    denied.attempt.end(status.PERMISSION_DENIED);
    await tick();
    expect(denied.statuses).toMatchObject([{ code: status.PERMISSION_DENIED }]);
    expect(source.asked).toBe(1);
  });

  test.each([
    ["the source fails", () => Promise.reject(new Error("The issuer is down"))],
    ["it gives no token", () => Promise.resolve({ value: "two\nlines" })],
  ])("T5: UNAVAILABLE, not UNAUTHENTICATED, when %s", async (_, token) => {
    const { call, events } = setup({ token });
    const failed = call().start();
    await tick();
    expect(failed.attempts).toEqual([]);
    expect(failed.messages).toEqual([null]);
    expect(failed.statuses).toMatchObject([{ code: status.UNAVAILABLE }]);
    expect(failed.status && isLocal(failed.status)).toBe(true);
    expect(detailsOf(failed.status?.metadata)?.reason).toBe("DEPENDENCY_UNAVAILABLE");
    expect(events).toMatchObject([{ kind: "refresh_failed" }]);
    const again = call().start();
    await tick();
    expect(again.statuses).toHaveLength(1);
  });

  test("T5: UNAVAILABLE as well when the new token after a refusal cannot be had", async () => {
    const { call, warm, source } = setup();
    await warm();
    const refused = call().start();
    source.next = Promise.reject(new Error("The issuer is down"));
    refuse(refused.attempt);
    await tick();
    expect(refused.statuses).toMatchObject([{ code: status.UNAVAILABLE }]);
  });

  test("the deadline holds while a token is waited for, and leaves no timer behind", async () => {
    const { call, clock, source } = setup();
    const token = Promise.withResolvers<Token>();
    source.next = token.promise;
    const late = call({ deadline: clock.now() + 100 }).start();
    clock.advance(100);
    await tick();
    expect(late.statuses).toMatchObject([{ code: status.DEADLINE_EXCEEDED }]);
    token.resolve({ value: "late" });
    await tick();
    expect(late.attempts).toEqual([]);
    const next = call({ deadline: clock.now() + 100 }).start();
    expect(bearerOf(next.attempt)).toBe("Bearer late");
    expect(clock.pending).toBe(0);
  });

  test("a call that waits can be cancelled, before or after its start", async () => {
    const { call, clock } = setup();
    const waiting = call({ deadline: clock.now() + 100 }).start();
    waiting.cancel();
    const unstarted = call();
    unstarted.cancel();
    await tick();
    unstarted.start();
    await tick();
    for (const { attempts, messages, statuses } of [waiting, unstarted]) {
      expect(attempts).toEqual([]);
      expect(messages).toEqual([null]);
      expect(statuses).toMatchObject([{ code: status.CANCELLED }]);
    }
    expect(clock.pending).toBe(0);
  });

  test("a cancelled call is not sent again", async () => {
    const { call, warm } = setup();
    await warm();
    const cancelled = call().start();
    refuse(cancelled.attempt);
    cancelled.cancel();
    await tick();
    expect(cancelled.attempts).toHaveLength(1);
    expect(cancelled.statuses).toMatchObject([{ code: status.CANCELLED }]);
  });

  test("a channel that was closed meanwhile ends the call, not the process", async () => {
    const closed = new FakeCall([
      auth({ token: async () => ({ value: "token" }) }),
      () => {
        throw new Error("Channel has been shut down");
      },
    ]).start();
    await tick();
    expect(closed.statuses).toMatchObject([{ code: status.INTERNAL }]);
  });

  test.each([{ refreshAheadMs: -1 }, { minRefreshMs: Number.NaN }])("refuses to be built with %o", (options) => {
    expect(() => setup(options)).toThrow(RangeError);
  });

  test.each([
    [{}, "undefined"],
    [{ token: "abc" }, "string"],
    [{ token: null }, "object"],
  ])("refuses to be built with %o: the token has to be asked for", (options, is) => {
    expect(() => auth(options as never)).toThrow(
      new TypeError(`Cannot build auth: token must be a function, is ${is}`),
    );
  });

  test("T5: a server that refuses the old token sees the call again with the new one", async () => {
    const seen: unknown[] = [];
    await using server = await rawServer({
      Get: (call) => {
        const [bearer] = call.metadata.get("authorization");
        seen.push(bearer);
        if (bearer === "Bearer old") {
          call.emit("error", { code: status.UNAUTHENTICATED, details: "expired" });
          return;
        }
        call.on("data", (body: Buffer) => {
          call.write(Buffer.from(`${body.toString()}, too`));
          call.end();
        });
      },
    });
    const tokens = ["old", "new"];
    const token = async () => ({ value: tokens.shift() ?? "none" });
    using client = rawClient(server.target, { interceptors: [auth({ token, minRefreshMs: 0 })] });
    const asIs = (bytes: Buffer): Buffer => bytes;
    const answer = await new Promise<string>((resolve, reject) => {
      client.makeUnaryRequest("/test.v1.Test/Get", asIs, asIs, Buffer.from("me"), (error, reply) =>
        error === null ? resolve(String(reply)) : reject(error),
      );
    });
    expect(answer).toBe("me, too");
    expect(seen).toEqual(["Bearer old", "Bearer new"]);
  });
});
