// SPDX-License-Identifier: MIT
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, type RpcContext, rpcContext } from "../context.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { type DeadlineOptions, deadline } from "./deadline.ts";

function aContext(known: Partial<RpcContext> = {}): RpcContext {
  const trace = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: true };
  return newContext({ requestId: "request-1", trace, ...known });
}

describe("deadline(), on the wire", () => {
  /** Calls a server that answers at once, and gives back when the server thinks it must have answered. */
  async function seenByServer(options: Omit<DeadlineOptions, "methods">, shape: "unary" | "bidi"): Promise<number> {
    let seen = Number.NaN;
    await using server = await rawServer({
      Get: (call) => {
        seen = Number(call.getDeadline());
        // A little later: a deadline that fires at once comes first.
        setTimeout(() => {
          call.write(Buffer.from("ok"));
          call.end();
        }, 20);
      },
    });
    using client = rawClient(server.target, { interceptors: [deadline({ methods: () => undefined, ...options })] });
    const answered = Promise.withResolvers<void>();
    if (shape === "bidi") {
      const call = client.open("Get", new Metadata());
      call
        .on("data", () => undefined)
        .on("error", answered.reject)
        .on("end", answered.resolve);
      call.end();
    } else {
      const asIs = (bytes: Buffer): Buffer => bytes;
      client.makeUnaryRequest("/test.v1.Test/Get", asIs, asIs, Buffer.from("hi"), (error) =>
        error === null ? answered.resolve() : answered.reject(error),
      );
    }
    await answered.promise;
    return seen;
  }

  test.each(["unary", "bidi"] as const)("D3: a %s call carries grpc-timeout", async (shape) => {
    const before = Date.now();
    const seen = await seenByServer({ defaultMs: 5_000 }, shape);
    expect(seen).toBeGreaterThanOrEqual(before + 4_000);
    expect(seen).toBeLessThanOrEqual(Date.now() + 5_000);
  });

  test("D3: and none when it may take for ever", async () => {
    expect(await seenByServer({ allowInfinite: true }, "unary")).toBe(Infinity);
  });

  test("D5: a deadline of more than 2^31-1 ms does not end the call at once", async () => {
    const days = 40 * 24 * 3_600_000;
    const seen = await seenByServer({ defaultMs: days }, "unary");
    expect(seen).toBeGreaterThan(Date.now() + 24 * 24 * 3_600_000);
  });

  test("D6: the server sees the cancellation of the parent", async () => {
    const cancelled = Promise.withResolvers<void>();
    const parent = aContext();
    await using server = await rawServer({
      Get: (call) => {
        call.on("cancelled", cancelled.resolve);
        parent.cancel(new Error("The caller went away"));
      },
    });
    using client = rawClient(server.target, {
      interceptors: [deadline({ methods: () => undefined, defaultMs: 5_000 })],
    });
    const ended = Promise.withResolvers<number>();
    rpcContext.run(parent, () =>
      client
        .open("Get", new Metadata())
        .on("data", () => undefined)
        .on("error", () => undefined)
        .on("status", ({ code }) => ended.resolve(code)),
    );
    expect(await ended.promise).toBe(status.CANCELLED);
    await cancelled.promise;
  });
});
