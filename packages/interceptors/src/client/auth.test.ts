// SPDX-License-Identifier: MIT
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { detailsOf, isLocal } from "../status.ts";
import { HOUR, setup, tick } from "../testing/client-auth.ts";
import type { FakeAttempt } from "../testing/client-call.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { auth } from "./auth.ts";

const bearerOf = (attempt: FakeAttempt | undefined) => attempt?.header("authorization");
const refuse = (attempt: FakeAttempt): void => attempt.end(status.UNAUTHENTICATED);

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
