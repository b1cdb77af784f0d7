// SPDX-License-Identifier: MIT
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { aCall } from "../testing/retried-call.ts";

describe("retry(), once an answer has begun or a request is long", () => {
  test("R6: headers commit the call to its attempt", () => {
    const { call, clock, events } = aCall();
    call.attempt.sendHeaders({ a: "b" });
    expect(call.headers).toHaveLength(1);
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(60_000);
    expect(call.attempts).toHaveLength(1);
    expect(call.status?.code).toBe(status.UNAVAILABLE);
    expect(events).toMatchObject([{ kind: "stopped", why: "committed" }]);
  });

  test("R6: so does a message without headers", () => {
    const { call, clock } = aCall({ responseStream: true });
    call.attempt.sendMessage("a");
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(60_000);
    expect(call.attempts).toHaveLength(1);
  });

  test("R6: if told so, headers of a unary call wait for the message and do not commit", () => {
    const { call, clock } = aCall({ commitOn: "message" });
    call.attempt.sendHeaders({ from: "first" });
    expect(call.headers).toHaveLength(0);
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(25);
    call.attempt.sendHeaders({ from: "second" });
    call.attempt.sendMessage("ok");
    expect(call.headers.map((headers) => headers.get("from"))).toEqual([["second"]]);
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(60_000);
    expect(call.attempts).toHaveLength(2);
    expect(call.messages).toEqual(["ok"]);
  });

  test("R6: headers that wait are those of the attempt that the status is of", () => {
    const { call, clock } = aCall({ commitOn: "message" });
    call.attempt.sendHeaders({ from: "first" });
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(25);
    call.attempt.end(status.NOT_FOUND);
    expect(call.headers).toEqual([]);
  });

  test("R6: headers that wait come before a final status; those of a stream do not wait", () => {
    const unary = aCall({ commitOn: "message" }).call;
    unary.attempt.sendHeaders({ from: "first" });
    unary.attempt.end(status.NOT_FOUND);
    expect(unary.headers).toHaveLength(1);
    const stream = aCall({ commitOn: "message", responseStream: true }).call;
    stream.attempt.sendHeaders();
    expect(stream.headers).toHaveLength(1);
  });

  test("R7: a server stream is asked for again, until its first message", () => {
    const { call, clock } = aCall({ responseStream: true });
    call.call.startRead();
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(25);
    expect(call.attempts[1]).toMatchObject({ reads: 1, messages: ["request"] });
    call.attempt.sendHeaders();
    for (const message of ["a", "b"]) call.attempt.sendMessage(message);
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(60_000);
    expect(call.messages).toEqual(["a", "b"]);
    expect(call.attempts).toHaveLength(2);
  });

  test("R7: a client stream is sent again from its first message, what comes during the wait included", () => {
    const { call, clock } = aCall({ requestStream: true });
    for (const message of ["a", "b"]) call.call.sendMessage(message);
    call.attempt.end(status.UNAVAILABLE);
    call.call.sendMessage("c");
    clock.advance(25);
    call.call.sendMessage("d");
    call.call.halfClose();
    expect(call.attempts[1]).toMatchObject({ messages: ["a", "b", "c", "d"], halfClosed: true });
    expect(call.attempts[0]).toMatchObject({ messages: ["a", "b"], halfClosed: false });
  });

  test.each([
    ["call", { maxBufferBytesPerCall: 20 }],
    ["channel", { maxBufferBytesPerCall: 20, maxBufferBytesPerChannel: 20 }],
  ])("R7: what overflows the buffer of the %s commits the call to its attempt", (_, limits) => {
    const { call, clock, events, start } = aCall({ requestStream: true, ...limits });
    call.call.sendMessage("x".repeat(15));
    call.call.sendMessage("y");
    call.attempt.end(status.UNAVAILABLE);
    clock.advance(60_000);
    expect(call.attempts).toHaveLength(1);
    expect(events).toMatchObject([{ why: "committed" }]);
    const next = start();
    next.call.sendMessage("x".repeat(15));
    next.attempt.end(status.UNAVAILABLE);
    clock.advance(25);
    expect(next.attempts).toHaveLength(2);
  });
});
