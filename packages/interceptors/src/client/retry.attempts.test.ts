// SPDX-License-Identifier: MIT
import { setImmediate as nextTurn } from "node:timers/promises";
import { InterceptingCall, type Interceptor, type Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { type RpcContext, rpcContext } from "../context.ts";
import { detailsOf, statusOf } from "../status.ts";
import type { FakeAttempt, FakeCall } from "../testing/client-call.ts";
import { aCall, aContext } from "../testing/retried-hop.ts";

const unavailable = (attempt: FakeAttempt) => attempt.end(status.UNAVAILABLE);
const headers = (call: FakeCall, key: string) => call.attempts.map((attempt) => attempt.header(key));

describe("retry(), attempt by attempt", () => {
  test("R15: an attempt that runs out of its own time is tried again", () => {
    const { call, clock } = aCall({ deadline: 1_010_000, answer: (attempt) => attempt.end(status.DEADLINE_EXCEEDED) });
    clock.advance(25);
    expect(call.attempts).toHaveLength(2);
  });

  test("R15: and when there is no other, the caller has UNAVAILABLE, ATTEMPT_TIMEOUT", () => {
    const { call } = aCall({ maxAttempts: 1, deadline: 1_010_000 });
    call.attempt.end(status.DEADLINE_EXCEEDED);
    expect(call.status?.code).toBe(status.UNAVAILABLE);
    expect(detailsOf(call.status?.metadata)?.reason).toBe("ATTEMPT_TIMEOUT");
    const stream = aCall({ responseStream: true, deadline: 1_010_000 }).call;
    stream.attempt.sendHeaders();
    stream.attempt.end(status.DEADLINE_EXCEEDED);
    expect(stream.status?.code).toBe(status.UNAVAILABLE);
  });

  test.each([
    ["20 ms before the end of 10 s", 9_980],
    ["at the end", 10_000],
  ])("R15: DEADLINE_EXCEEDED %s is the call's", (_, afterMs) => {
    const { call, clock } = aCall({ deadline: 1_010_000 });
    clock.advance(afterMs);
    call.attempt.end(status.DEADLINE_EXCEEDED);
    expect(call.status?.code).toBe(status.DEADLINE_EXCEEDED);
    expect(call.attempts).toHaveLength(1);
  });

  test("R15: a server's own DEADLINE_EXCEEDED and a caller's keep their code", () => {
    const server = aCall({ maxAttempts: 1 }).call;
    server.attempt.endWith(statusOf(status.DEADLINE_EXCEEDED, "", { reason: "PROVIDER_TOO_SLOW" }));
    expect(server.status?.code).toBe(status.DEADLINE_EXCEEDED);
    const caller = aCall().call;
    caller.call.cancelWithStatus(status.DEADLINE_EXCEEDED, "of the caller");
    expect(caller.status?.code).toBe(status.DEADLINE_EXCEEDED);
  });

  test("R16: the final status has every failed attempt, and the number of those before in its metadata", () => {
    const { call, clock } = aCall({ maxAttempts: 2 });
    clock.advance(7);
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(25 + 9);
    call.attempt.end(status.NOT_FOUND, { own: "kept" });
    expect(call.status).toMatchObject({
      code: status.NOT_FOUND,
      attempts: [
        { peer: "127.0.0.1:1", code: status.UNAVAILABLE, ms: 7 },
        { peer: "127.0.0.1:1", code: status.NOT_FOUND, ms: 9 },
      ],
    });
    expect(call.status?.metadata.getMap()).toEqual({ own: "kept", "grpc-previous-rpc-attempts": "1" });
  });

  test("R16: a success after a failure says so, a success at once says nothing", () => {
    const { call, clock } = aCall({ answer: (attempt, index) => (index ? attempt.succeed() : unavailable(attempt)) });
    clock.advance(25);
    expect(call.status).toMatchObject({ code: status.OK, attempts: [{ code: status.UNAVAILABLE }] });
    expect(call.status?.metadata.get("grpc-previous-rpc-attempts")).toEqual(["1"]);
    const smooth = aCall({ answer: (attempt) => attempt.succeed() }).call.status;
    expect(smooth).not.toHaveProperty("attempts");
    expect(smooth?.metadata.getMap()).toEqual({});
  });

  test("R17: cancelling during the wait clears the timer; there is one status and no other attempt", async () => {
    const { call, clock, events } = aCall();
    call.attempt.end(status.UNAVAILABLE);
    expect(clock.pending).toBe(1);
    call.cancel();
    call.cancel();
    expect(clock.pending).toBe(0);
    clock.advance(60_000);
    await nextTurn();
    expect(call.attempts).toHaveLength(1);
    expect(call.statuses).toMatchObject([{ code: status.CANCELLED, attempts: [{ code: status.UNAVAILABLE }] }]);
    expect(events.at(-1)).toMatchObject({ kind: "stopped", why: "cancelled" });
  });

  test("R17: cancelling an attempt is passed on, and what it ends with then is final, whatever it is", () => {
    const { call, clock } = aCall();
    call.call.cancelWithStatus(status.UNAVAILABLE, "of the caller");
    expect(call.attempt.cancelled).toBe(status.UNAVAILABLE);
    clock.advance(60_000);
    expect(call.attempts).toHaveLength(1);
    expect(call.statuses).toMatchObject([{ code: status.UNAVAILABLE }]);
  });

  test("R18: marks each attempt, names the host it went to, and says when the call is over", () => {
    const marked: (string | undefined)[] = [];
    let ends = 0;
    const mark = (metadata: Metadata) => {
      metadata.set("mark", String(marked.push("") - 1));
      return { peer: `host-${marked.length}`, sent: true };
    };
    const attempts = { begin: () => ({ mark, end: () => void (ends += 1) }) };
    const { call, clock } = aCall({ answer: unavailable, attempts, maxAttempts: 2 });
    expect(ends).toBe(0);
    clock.advance(25);
    expect(ends).toBe(1);
    expect(headers(call, "mark")).toEqual(["0", "1"]);
    expect(call.status).toMatchObject({ attempts: [{ peer: "host-1" }, { peer: "host-2" }] });
  });

  test("every attempt is made in the caller's context, wherever the status before came from", () => {
    const seen: (RpcContext | undefined)[] = [];
    const context = aContext();
    const look: Interceptor = (options, next) => {
      seen.push(rpcContext.get());
      return next(options) as ReturnType<Interceptor>;
    };
    const { clock } = aCall({ answer: unavailable, context, inside: [look] });
    clock.advance(60_000);
    expect(seen).toEqual([context, context, context]);
  });

  test("what is thrown further in ends the call, once, and not the process", async () => {
    let calls = 0;
    const bad: Interceptor = (options, next) => {
      if (++calls > 1) throw new TypeError("of an interceptor");
      return next(options) as ReturnType<Interceptor>;
    };
    const { call, clock, events } = aCall({ answer: unavailable, inside: [bad] });
    clock.advance(60_000);
    await nextTurn();
    expect(call.statuses).toMatchObject([{ code: status.INTERNAL, cause: new TypeError("of an interceptor") }]);
    expect(events.at(-1)).toMatchObject({ kind: "stopped", why: "threw" });
  });

  test("what is thrown further in while an attempt is under way cancels it, and there is one status as well", async () => {
    const bad: Interceptor = (options, next) =>
      new InterceptingCall(next(options), {
        sendMessage: () => {
          throw new TypeError("of an interceptor");
        },
      });
    const { call } = aCall({ inside: [bad] });
    await nextTurn();
    expect(call.attempt.cancelled).toBe(status.CANCELLED);
    expect(call.statuses).toMatchObject([{ code: status.INTERNAL }]);
  });
});
