// SPDX-License-Identifier: MIT
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, type RpcContext, rpcContext } from "../context.ts";
import { detailsOf, statusOf } from "../status.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { FakeServerCall, type ServerCallShape } from "../testing/server-call.ts";
import { type Fault, statusFor, validation } from "./validation.ts";

/** `bad` breaks a rule, `broken` stands for a message that could not be decoded. */
const check = (_path: string, message: unknown): Fault => {
  if (String(message) === "broken")
    return statusOf(status.INVALID_ARGUMENT, "no message", { reason: "MALFORMED_REQUEST" });
  return String(message) === "bad" ? [{ field: "items[0].quantity", description: "must be positive" }] : [];
};

const CHAT = { path: "/test.v1.Test/Chat", requestStream: true, responseStream: true };

function aCall(shape: ServerCallShape = {}): FakeServerCall & { context: RpcContext } {
  const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false };
  const context = newContext({ requestId: "request-1", trace });
  const call = new FakeServerCall(validation({ check }), shape);
  const receive = call.receive.bind(call);
  call.receive = (message) => rpcContext.run(context, () => receive(message));
  return Object.assign(call.start(), { context });
}

describe("validation()", () => {
  test("lets through what keeps the contract", () => {
    const call = aCall().receive("good").halfClose();
    expect(call.handler).toMatchObject({ messages: ["good"], halfClosed: true });
    expect(call.respond().status.code).toBe(status.OK);
  });

  test("answers INVALID_ARGUMENT with BadRequest, and the handler sees neither the message nor the end", () => {
    const call = aCall().receive("bad").halfClose();
    expect(call.status.code).toBe(status.INVALID_ARGUMENT);
    expect(detailsOf(call.status.metadata)).toMatchObject({
      reason: "VALIDATION_FAILED",
      metadata: { fields: "items[0].quantity" },
      violations: [{ field: "items[0].quantity", description: "must be positive" }],
    });
    expect(call.handler).toMatchObject({ messages: [], halfClosed: false });
    expect(call.client.metadata).toEqual([]);
  });

  test("sends a status that is ready as it is", () => {
    const call = aCall().receive("broken");
    expect(detailsOf(call.status.metadata)?.reason).toBe("MALFORMED_REQUEST");
    expect(statusFor(undefined)).toBeUndefined();
    expect(statusFor([])).toBeUndefined();
  });

  test("checks each message of a stream; after one that is refused nothing more arrives, and the context is cancelled", () => {
    const call = aCall(CHAT);
    call.receive("good").receive("good");
    expect(call.context.signal.aborted).toBe(false);
    call.receive("bad").receive("good").receive("bad").halfClose();
    expect(call.handler).toMatchObject({ messages: ["good", "good"], halfClosed: false });
    expect(call.context.signal.aborted).toBe(true);
    expect(call.client.statuses).toHaveLength(1);
  });

  test("the client gets one status, whatever the handler says after it", () => {
    const call = aCall(CHAT);
    call.call.sendMessage("first", () => undefined);
    call.receive("bad");
    call.end(status.CANCELLED);
    call.end(status.OK);
    call.call.sendMessage("second", () => undefined);
    call.call.sendMetadata(new Metadata());
    expect(call.client.metadata).toHaveLength(1);
    expect(call.client.messages).toEqual(["first"]);
    expect(call.client.statuses.map(({ code }) => code)).toEqual([status.INVALID_ARGUMENT]);
  });

  test("a handler that has answered has the last word", () => {
    const call = aCall(CHAT);
    call.end(status.OK);
    call.receive("bad");
    expect(call.client.statuses.map(({ code }) => code)).toEqual([status.OK]);
    expect(call.handler.messages).toEqual([]);
  });

  test("on the wire: a stream that answers each message ends at the first bad one, with one status", async () => {
    const cancelled = Promise.withResolvers<void>();
    const seen: string[] = [];
    await using server = await rawServer(
      {
        Chat: (call) => {
          call.on("data", (message: Buffer) => {
            seen.push(message.toString());
            call.write(message);
          });
          call.on("cancelled", () => cancelled.resolve());
        },
      },
      { interceptors: [validation({ check })] },
    );
    using client = rawClient(server.target);
    const call = client.open("Chat", new Metadata());
    const answers: string[] = [];
    const statuses: status[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    call.on("error", () => undefined);
    call.on("status", ({ code }: { code: status }) => {
      statuses.push(code);
      resolve();
    });
    call.on("data", (answer: Buffer) => {
      answers.push(answer.toString());
      for (const each of ["bad", "good", "good"]) call.write(Buffer.from(each));
    });
    call.write(Buffer.from("good"));
    await promise;
    await cancelled.promise;
    expect({ statuses, answers, seen }).toEqual({
      statuses: [status.INVALID_ARGUMENT],
      answers: ["good"],
      seen: ["good"],
    });
  });
});
