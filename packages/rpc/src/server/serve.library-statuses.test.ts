import { connect as connectHttp2, constants } from "node:http2";
import { gzipSync } from "node:zlib";
import { GetOrderRequest } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { decodeDetails } from "@holdfast/interceptors/status";
import { describe, expect, test } from "vitest";
import { Status } from "../index.ts";
import { aServer } from "../testing/a-server.ts";

const valid = GetOrderRequest.encode({ orderId: "ord_1" }).finish();

/** A gRPC message: one byte that says whether it is compressed, four of length, and the bytes. */
function frame(bytes: Uint8Array, { compressed = false, length = bytes.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed ? 1 : 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

/** Sends bytes over bare HTTP/2 and reads the status. */
async function send(target: string, body: Buffer, headers: Record<string, string> = {}, method = "GetOrder") {
  const session = connectHttp2(`http://${target}`);
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: `/ecommerce.order.v1.OrderService/${method}`,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  let received: Record<string, unknown> = {};
  const merge = (more: object) => {
    received = { ...received, ...more };
  };
  stream.on("response", merge).on("trailers", merge);
  stream.resume();
  stream.end(body);
  await new Promise((resolve, reject) => stream.on("close", resolve).on("error", reject));
  session.close();
  const details = received["grpc-status-details-bin"];
  return {
    code: Number(received["grpc-status"]),
    message: String(received["grpc-message"]),
    ...decodeDetails(Buffer.from(String(details), "base64")),
  };
}

describe("a status that the library makes by itself carries ErrorInfo and a text of ours", () => {
  const MIB = 1_048_576;
  test.each([
    ["a message over the limit", frame(Buffer.alloc(MIB + 1)), {}, Status.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE"],
    ["a length of 4 GB", frame(valid, { length: 0xff_ff_ff_ff }), {}, Status.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE"],
    [
      "a gzip bomb",
      frame(gzipSync(Buffer.alloc(64 * MIB)), { compressed: true }),
      { "grpc-encoding": "gzip" },
      Status.RESOURCE_EXHAUSTED,
      "MESSAGE_TOO_LARGE",
    ],
    [
      "garbage called gzip",
      frame(Buffer.from("garbage"), { compressed: true }),
      { "grpc-encoding": "gzip" },
      Status.INVALID_ARGUMENT,
      "MALFORMED_REQUEST",
    ],
    [
      "a compression that nobody knows",
      frame(valid, { compressed: true }),
      { "grpc-encoding": "snappy" },
      Status.UNIMPLEMENTED,
      "UNIMPLEMENTED",
    ],
    ["a timeout that is none", frame(valid), { "grpc-timeout": "abc" }, Status.INVALID_ARGUMENT, "MALFORMED_REQUEST"],
    ["no message", Buffer.alloc(0), {}, Status.INVALID_ARGUMENT, "MALFORMED_REQUEST"],
    ["two messages", Buffer.concat([frame(valid), frame(valid)]), {}, Status.INVALID_ARGUMENT, "MALFORMED_REQUEST"],
    ["half a frame", frame(valid).subarray(0, 7), {}, Status.INVALID_ARGUMENT, "MALFORMED_REQUEST"],
  ])("%s", async (_, body, headers, code, reason) => {
    await using server = await aServer({ getOrder: async () => ({ order: undefined }) });
    const answer = await send(server.target, body, headers);
    expect(answer).toMatchObject({ code, reason });
    expect(answer.message).not.toMatch(/received|decompress|grpc-/i);
  });

  test.each(["NoSuchMethod", "GetOrder/More"])("a method that is not there: %s", async (method) => {
    await using server = await aServer({ getOrder: async () => ({ order: undefined }) });
    const answer = await send(server.target, frame(valid), {}, method);
    expect(answer).toMatchObject({ code: Status.UNIMPLEMENTED, reason: "UNIMPLEMENTED" });
    expect(answer.message).not.toContain(method);
  });

  test("a deadline that passes", async () => {
    await using server = await aServer({ getOrder: () => new Promise(() => undefined) });
    const answer = await send(server.target, frame(valid), { "grpc-timeout": "50m" });
    expect(answer).toMatchObject({ code: Status.DEADLINE_EXCEEDED, reason: "DEADLINE_EXCEEDED" });
  });
});

describe("a deadline far ahead", () => {
  test.each(["596H", "597H", "3000000S", "9999999H", "99999999H"])("of %s is one like any other", async (timeout) => {
    const left: number[] = [];
    await using server = await aServer({
      getOrder: async (_, { deadline }) => {
        left.push(deadline - Date.now());
        return { order: undefined };
      },
    });
    const answer = await send(server.target, frame(valid), { "grpc-timeout": timeout });
    expect(answer.code).toBe(Status.OK);
    // As long as the contract gives to any call of the method.
    expect(left[0]).toBeGreaterThan(4_000);
    expect(left[0]).toBeLessThanOrEqual(5_000);
  });
});
