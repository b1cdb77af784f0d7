// SPDX-License-Identifier: MIT
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLocal, localStatus, STATUS_DETAILS_KEY, type StatusDetails, statusOf } from "../status.ts";
import { FakeCall } from "../testing/client-call.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { type DetailedError, decoded, errors } from "./errors.ts";

const asIs = (bytes: Buffer): Buffer => bytes;

const details = {
  reason: "OUT_OF_STOCK",
  domain: "product.ecommerce",
  metadata: { sku: "85123A" },
  retryAfterMs: 1_500,
  violations: [{ field: "items[0].quantity", description: "must be at most 3" }],
  requestId: "request-1",
} satisfies StatusDetails;

/** A unary call of a real server, as raw grpc-js reports its failure. */
function failureOf(target: string): Promise<DetailedError> {
  const { promise, resolve, reject } = Promise.withResolvers<DetailedError>();
  const client = rawClient(target, { interceptors: [errors()] });
  client.makeUnaryRequest("/test.v1.Test/Get", asIs, asIs, Buffer.from("hi"), (error) => {
    client.close();
    if (error === null) reject(new Error("The call succeeded"));
    else resolve(error);
  });
  return promise;
}

describe("decoded()", () => {
  test("puts the details beside code, text and trailers, without hiding any of them", () => {
    const result = decoded(statusOf(status.FAILED_PRECONDITION, "Cannot reserve", details));
    const { metadata: errorMetadata, ...rest } = details;
    expect(result).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: "Cannot reserve",
      errorMetadata,
      ...rest,
    });
    expect(result.metadata).toBeInstanceOf(Metadata);
  });

  test("keeps what others have put on the status", () => {
    const attempts = [{ peer: "a", code: 14, ms: 3 }];
    const local = Object.assign(localStatus(status.UNAVAILABLE, "open", { reason: "CIRCUIT_OPEN" }), { attempts });
    expect(isLocal(decoded(local))).toBe(true);
    expect(decoded(local)).toMatchObject({ reason: "CIRCUIT_OPEN", attempts });
  });

  test("adds nothing to OK, nor to a status without details", () => {
    const ok = { code: status.OK, details: "", metadata: new Metadata() };
    const bare = { code: status.NOT_FOUND, details: "gone", metadata: new Metadata() };
    expect(decoded(ok)).toBe(ok);
    expect(decoded(bare)).toBe(bare);
  });

  test.each([17, 99, -1, Number.NaN, 1.5])("makes UNKNOWN of code %d, which is none", (code) => {
    expect(decoded({ code, details: "odd", metadata: new Metadata() })).toMatchObject({ code: 2, details: "odd" });
  });

  test("never throws at what a peer sends as details", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const metadata = new Metadata();
        metadata.set(STATUS_DETAILS_KEY, Buffer.from(bytes));
        expect(decoded({ code: status.INTERNAL, details: "x", metadata })).toMatchObject({ code: 13, details: "x" });
      }),
    );
  });
});

describe("errors()", () => {
  test.each([{}, { responseStream: true }, { requestStream: true }, { requestStream: true, responseStream: true }])(
    "hands on messages and one status (%o)",
    (shape) => {
      const call = new FakeCall(errors(), shape).start();
      call.attempt.sendHeaders({ a: "b" });
      call.attempt.sendMessage("one");
      call.attempt.endWith(statusOf(status.ABORTED, "again", details));
      expect(call.headers).toHaveLength(1);
      expect(call.messages).toContain("one");
      expect(call.statuses).toMatchObject([{ code: status.ABORTED, reason: "OUT_OF_STOCK", retryAfterMs: 1_500 }]);
    },
  );

  test.each(Array.from({ length: 16 }, (_, index) => index + 1))(
    "E5: code %d arrives with its details on a ServiceError of grpc-js",
    async (code) => {
      await using server = await rawServer({
        Get: (call) => call.emit("error", statusOf(code, `Cannot do ${code}`, details)),
      });
      const error = await failureOf(server.target);
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject({ code, details: `Cannot do ${code}`, reason: "OUT_OF_STOCK" });
      expect(error).toMatchObject({ errorMetadata: { sku: "85123A" }, violations: details.violations });
    },
  );

  test.each([
    [400, status.INTERNAL],
    [401, status.UNAUTHENTICATED],
    [403, status.PERMISSION_DENIED],
    [404, status.UNIMPLEMENTED],
    [429, status.UNAVAILABLE],
    [502, status.UNAVAILABLE],
    [503, status.UNAVAILABLE],
    [504, status.UNAVAILABLE],
    [500, status.UNKNOWN],
    [418, status.UNKNOWN],
  ])("E6: HTTP %d without grpc-status arrives as code %d", async (http, code) => {
    await using server = await bareServer((stream) => stream.respond({ ":status": http }, { endStream: true }));
    const error = await failureOf(server.target);
    expect(error).toMatchObject({ code, metadata: expect.any(Metadata) });
    expect(error.details.isWellFormed()).toBe(true);
    expect(error).not.toHaveProperty("reason");
  });

  test("E6: an error page of a proxy, headers and body, is mapped as well", async () => {
    await using server = await bareServer((stream) => {
      stream.respond({ ":status": 503, "content-type": "text/html" });
      stream.end("<h1>Service Unavailable</h1>");
    });
    expect(await failureOf(server.target)).toMatchObject({ code: status.UNAVAILABLE });
  });

  test("E6: a grpc-status that is none arrives as UNKNOWN", async () => {
    await using server = await bareServer((stream) =>
      stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "42" }, { endStream: true }),
    );
    expect(await failureOf(server.target)).toMatchObject({ code: status.UNKNOWN } satisfies Partial<StatusObject>);
  });
});

/** HTTP/2 without gRPC, as proxies answer when they cannot reach the service. */
async function bareServer(answer: (stream: ServerHttp2Stream) => void) {
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    answer(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
