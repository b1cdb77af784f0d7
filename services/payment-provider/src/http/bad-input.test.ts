import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aCapture, startProvider } from "./provider.fixture.ts";

let provider: Awaited<ReturnType<typeof startProvider>>;
beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider[Symbol.asyncDispose]());

/** Sends bytes as they are and returns what came back until the connection closed. */
async function raw(bytes: string | Buffer): Promise<string> {
  const socket = connect(provider.port, "127.0.0.1");
  let answer = "";
  socket.on("data", (data: Buffer) => (answer += data.toString("latin1")));
  socket.on("error", (error: Error) => (answer += error.message));
  socket.write(bytes);
  socket.end();
  await once(socket, "close");
  return answer;
}

/** The provider still works, has done nothing, and has met no bug. */
async function expectUnharmed(): Promise<void> {
  expect(await provider.call("GET", "/healthz")).toEqual({ status: 200, body: { status: "ok" } });
  expect(await provider.file()).toEqual([]);
  expect(provider.logged).toEqual([]);
}

const long = "x".repeat(256);

describe("a bad capture", () => {
  test.each<[string, Record<string, unknown>]>([
    ["order_id missing", { order_id: undefined }],
    ["order_id empty", { order_id: "" }],
    ["order_id too long", { order_id: long }],
    ["order_id with a space", { order_id: "a b" }],
    ["order_id with a control character", { order_id: "a\u0000" }],
    ["order_id with a lone surrogate", { order_id: "\ud83d" }],
    ["order_id a number", { order_id: 1 }],
    ["order_id null", { order_id: null }],
    ["customer_id missing", { customer_id: undefined }],
    ["customer_id an object", { customer_id: {} }],
    ["amount_minor missing", { amount_minor: undefined }],
    ["amount_minor a number", { amount_minor: 1099 }],
    ["amount_minor zero", { amount_minor: "0" }],
    ["amount_minor negative", { amount_minor: "-1" }],
    ["amount_minor with a fraction", { amount_minor: "10.99" }],
    ["amount_minor with an exponent", { amount_minor: "1e3" }],
    ["amount_minor with a leading zero", { amount_minor: "01" }],
    ["amount_minor with a newline", { amount_minor: "1\n" }],
    ["amount_minor in other digits", { amount_minor: "١" }],
    ["amount_minor too large", { amount_minor: "1".repeat(19) }],
    ["amount_minor empty", { amount_minor: "" }],
    ["currency_code in small letters", { currency_code: "gbp" }],
    ["currency_code too long", { currency_code: "GBPX" }],
    ["currency_code missing", { currency_code: undefined }],
    ["payment_method missing", { payment_method: undefined }],
    ["payment_method unknown", { payment_method: "pm_card_stolen" }],
    ["payment_method from the prototype", { payment_method: "constructor" }],
    ["a field too many", { note: "x" }],
  ])("with %s is refused with 400", async (_what, part) => {
    const answer = await provider.capture("k", part);
    expect(answer).toMatchObject({ status: 400, body: { error: expect.any(String) } });
    await expectUnharmed();
  });

  test.each<[string, string, number]>([
    ["an empty body", "", 400],
    ["no JSON", "{", 400],
    ["two values", "{}{}", 400],
    ["an array", "[]", 400],
    ["null", "null", 400],
    ["a byte order mark", `\ufeff${JSON.stringify(aCapture())}`, 400],
    ["a prototype", `{"__proto__":{"a":1},${JSON.stringify(aCapture()).slice(1)}`, 400],
    ["deep nesting", "[".repeat(16_000), 400],
    ["more than 16 KiB", JSON.stringify(aCapture({ note: "x".repeat(17_000) })), 413],
    ["more than 1 MiB", "x".repeat(1_100_000), 413],
  ])("body of %s is refused", async (_what, body, status) => {
    const answer = await provider.call("POST", "/v1/captures", body, { "idempotency-key": "k" });
    expect(answer).toMatchObject({ status, body: { error: expect.any(String), reason: expect.any(String) } });
    await expectUnharmed();
  });

  test.each<[string, Record<string, string>]>([
    ["no key", {}],
    ["an empty key", { "idempotency-key": "" }],
    ["a long key", { "idempotency-key": long }],
    ["two keys", { "idempotency-key": "a, b" }],
    ["a key with umlauts", { "idempotency-key": "ä" }],
    ["another media type", { "idempotency-key": "k", "content-type": "text/plain" }],
  ])("with %s is refused with 400", async (_what, headers) => {
    expect(await provider.call("POST", "/v1/captures", aCapture(), headers)).toMatchObject({ status: 400 });
    await expectUnharmed();
  });
});

describe("a bad refund", () => {
  test.each<[string, Record<string, unknown>]>([
    ["capture_id missing", { amount_minor: "1" }],
    ["capture_id empty", { capture_id: "", amount_minor: "1" }],
    ["amount_minor missing", { capture_id: "cap_1" }],
    ["amount_minor zero", { capture_id: "cap_1", amount_minor: "0" }],
    ["reason too long", { capture_id: "cap_1", amount_minor: "1", reason: "x".repeat(501) }],
    ["reason missing", { capture_id: "cap_1", amount_minor: "1", reason: undefined }],
    ["a field too many", { capture_id: "cap_1", amount_minor: "1", order_id: "ord_1" }],
  ])("with %s is refused with 400", async (_what, body) => {
    expect(await provider.refund("r", body)).toMatchObject({ status: 400 });
    await expectUnharmed();
  });
});

describe("a request that is none", () => {
  test.each<[string, string | Buffer]>([
    ["noise", Buffer.from([0, 255, 22, 3, 1, 2, 0])],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["a header that is too large", `GET /healthz HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(20_000)}\r\n\r\n`],
    ["no host", "GET /healthz HTTP/1.1\r\n\r\n"],
    [
      "a length and chunks",
      "POST /v1/captures HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
    ["a CONNECT", "CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n"],
    ["an upgrade", "GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"],
    [
      "invalid UTF-8 in a body",
      Buffer.concat([
        Buffer.from(
          "POST /v1/captures HTTP/1.1\r\nhost: a\r\nidempotency-key: k\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n",
        ),
        Buffer.from([0x22, 0xff, 0x22]),
      ]),
    ],
    [
      "a body that ends early",
      "POST /v1/captures HTTP/1.1\r\nhost: a\r\nidempotency-key: k\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
    ],
    ["a path that is no URL", "GET //%ff%zz?%zz HTTP/1.1\r\nhost: a\r\n\r\n"],
  ])("harms nothing: %s", async (_what, bytes) => {
    expect(await raw(bytes)).not.toContain("captured");
    await expectUnharmed();
  });

  test.each([
    ["GET", "/", 404],
    ["GET", "/v1/captures/1", 404],
    ["GET", "/__proto__", 404],
    ["DELETE", "/v1/captures", 405],
    ["POST", "/healthz", 405],
  ])("%s %s is answered with %i", async (method, path, status) => {
    expect(await provider.call(method, path)).toMatchObject({ status, body: { reason: expect.any(String) } });
    await expectUnharmed();
  });
});
