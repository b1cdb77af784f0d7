import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { unseenStatus } from "../context.ts";
import { detailsOf, STATUS_DETAILS_KEY, statusOf } from "../status.ts";
import { metadataOf } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { type RawHandler, rawClient, rawServer } from "../testing/raw-server.ts";
import { FakeServerCall } from "../testing/server-call.ts";
import { explainStatus, statusGuard, type StatusGuardEvent } from "./status-guard.ts";

/** Calls the handler on a real server and waits for the status. */
async function call(handler: RawHandler, message = "hello", options = {}): Promise<StatusObject> {
  await using server = await rawServer({ Get: handler }, { interceptors: [statusGuard()], ...options });
  using client = rawClient(server.target);
  const stream = client.open("Get", new Metadata(), { deadline: Date.now() + 5_000 });
  const { promise, resolve } = Promise.withResolvers<StatusObject>();
  stream
    .on("status", resolve)
    .on("error", () => "in the status too")
    .resume();
  stream.end(Buffer.from(message));
  return await promise;
}

describe("statusGuard() on a real server", () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => void uncaught.push(error);
  beforeEach(() => {
    uncaught.length = 0;
    process.on("unhandledRejection", note).on("uncaughtException", note);
  });
  afterEach(() => {
    process.off("unhandledRejection", note).off("uncaughtException", note);
    expect(uncaught).toEqual([]);
  });

  const half = "😀".slice(0, 1);
  test.each<[string, RawHandler, status]>([
    ["a text with half a character", (stream) => stream.emit("error", { code: 5, details: half }), status.NOT_FOUND],
    ["a text of 100 KB", (stream) => stream.emit("error", { code: 5, details: "x".repeat(100_000) }), status.NOT_FOUND],
    ["a code that is none", (stream) => stream.emit("error", { code: 99, details: "" }), status.INTERNAL],
    [
      "metadata that is none",
      (stream) => stream.emit("error", { code: 5, details: "", metadata: { a: 1 } }),
      status.INTERNAL,
    ],
    ["a trailer that HTTP/2 forbids", (stream) => stream.end(metadataOf({ connection: "close" })), status.OK],
    ["a trailer that looks like a path", (stream) => stream.end(metadataOf({ ":path": "/" })), status.OK],
    ["a trailer that looks like the status", (stream) => stream.end(metadataOf({ "grpc-status": "7" })), status.OK],
    ["trailers of 100 KB", (stream) => stream.end(metadataOf({ a: "x".repeat(100_000), b: "kept" })), status.OK],
    ["a message that cannot be encoded", (stream) => stream.write({} as Buffer), status.INTERNAL],
  ])("E7: gives the client a status in spite of %s", async (_, handler, code) => {
    const result = await call(handler);
    expect(result.code).toBe(code);
    expect(JSON.stringify(result.metadata.toJSON()).length).toBeLessThan(8_192);
  });

  test.each([":path", "connection", "content-type", "grpc-status"])("E7: sends headers without %s", async (key) => {
    const result = await call((stream) => {
      stream.sendMetadata(metadataOf({ [key]: "7" }));
      stream.write(Buffer.from("x"));
      stream.end();
    });
    expect(result.code).toBe(status.OK);
  });

  test("E7: a listener that throws in a data event ends the call with INTERNAL", async () => {
    const result = await call((stream) =>
      stream.on("data", () => {
        throw new Error("select * from secrets");
      }),
    );
    expect(result).toMatchObject({ code: status.INTERNAL, details: "Internal error" });
  });

  test("E1: a message over the limit is explained, and the handler told of it", async () => {
    const { promise: told, resolve } = Promise.withResolvers<StatusObject | undefined>();
    const handler: RawHandler = (stream) => void stream.on("cancelled", () => resolve(unseenStatus.get())).resume();
    const result = await call(handler, "x".repeat(100), { "grpc.max_receive_message_length": 10 });
    expect(result.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(detailsOf(result.metadata)?.reason).toBe("MESSAGE_TOO_LARGE");
    expect(result.details).not.toMatch(/received|max/i);
    expect(await told).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  test("E1: a deadline that passes is explained", async () => {
    await using server = await rawServer({ Get: () => "no answer" }, { interceptors: [statusGuard()] });
    using client = rawClient(server.target);
    // The client's own timer must not be first.
    const metadata = metadataOf({ "grpc-timeout": "30m" });
    const { promise, resolve } = Promise.withResolvers<StatusObject>();
    client
      .open("Get", metadata)
      .on("status", resolve)
      .on("error", () => "in the status too")
      .resume()
      .end();
    const result = await promise;
    expect(result).toMatchObject({ code: status.DEADLINE_EXCEEDED, details: "The deadline passed" });
    expect(detailsOf(result.metadata)?.reason).toBe("DEADLINE_EXCEEDED");
  });

  test("D5: a timeout of more than 24.8 days, which comes out as negative, ends nothing", async () => {
    const interceptors = [statusGuard()];
    const answer: RawHandler = (stream) => void setTimeout(() => stream.end(), 50);
    await using server = await rawServer({ Get: answer }, { interceptors });
    using client = rawClient(server.target);
    const { promise, resolve } = Promise.withResolvers<StatusObject>();
    const stream = client.open("Get", metadataOf({ "grpc-timeout": "3000000S" }));
    stream
      .on("status", resolve)
      .on("error", () => "in the status too")
      .resume()
      .end();
    expect((await promise).code).toBe(status.OK);
  });
});

describe("statusGuard()", () => {
  test("E7: lets one status through, and nothing after it", () => {
    const fake = new FakeServerCall(statusGuard()).start().end(status.NOT_FOUND).end(status.OK).respond();
    fake.base.sendStatus({ code: status.INTERNAL, details: "" });
    expect(fake.client.statuses.map(({ code }) => code)).toEqual([status.NOT_FOUND]);
    expect(fake.client.messages).toEqual([]);
  });

  test("tells those above of a status that the library made, with that status, once, and nobody else", () => {
    const told: unknown[] = [];
    const fake = new FakeServerCall(statusGuard());
    fake.call.start({
      onReceiveMetadata: () => undefined,
      onReceiveMessage: () => undefined,
      onReceiveHalfClose: () => undefined,
      onCancel: () => told.push(unseenStatus.get()?.code),
    });
    fake.base.sendStatus({ code: status.RESOURCE_EXHAUSTED, details: "Received message larger than max (11 vs. 10)" });
    // Before grpc-js says so: a reader that stalls keeps it from that.
    expect(told).toEqual([status.RESOURCE_EXHAUSTED]);
    fake.cancel();
    expect(told).toHaveLength(1);
    expect(unseenStatus.get()).toBeUndefined();
  });

  test("says nothing of a status to those above when the call just ends", () => {
    const told: unknown[] = [];
    const fake = new FakeServerCall(statusGuard());
    fake.call.start({
      onReceiveMetadata: () => undefined,
      onReceiveMessage: () => undefined,
      onReceiveHalfClose: () => undefined,
      onCancel: () => told.push(unseenStatus.get()?.code),
    });
    fake.cancel();
    expect(told).toEqual([undefined]);
  });

  test.each([
    ["no message", 0],
    ["two messages", 2],
  ])("E1: a unary request of %s is the client's mistake", (_, count) => {
    const fake = new FakeServerCall(statusGuard()).start();
    for (let index = 0; index < count; index += 1) fake.receive("hello");
    fake.halfClose().end(status.UNIMPLEMENTED, "Received no request message for server streaming method");
    expect(fake.status.code).toBe(status.INVALID_ARGUMENT);
    expect(detailsOf(fake.status.metadata)).toMatchObject({ reason: "MALFORMED_REQUEST", violations: [{ field: "" }] });
  });

  test("E1: UNIMPLEMENTED of a handler stays what it is", () => {
    const fake = new FakeServerCall(statusGuard()).start().receive("hello").end(status.UNIMPLEMENTED, "Not yet");
    expect(fake.status).toMatchObject({ code: status.UNIMPLEMENTED, details: "Not yet" });
  });

  test("E1: UNKNOWN, which is what becomes of a handler's throw, says nothing of the inside", () => {
    const metadata = { "x-request-id": "req-12345678" };
    const fake = new FakeServerCall(statusGuard(), { metadata }).start().receive("hello").end(status.UNKNOWN, "sql");
    expect(fake.status).toMatchObject({ code: status.INTERNAL, details: "Internal error" });
    expect(detailsOf(fake.status.metadata)).toMatchObject({ reason: "INTERNAL", requestId: "req-12345678" });
  });

  test("keeps what a status with details says, and puts them before trailers that are too long", () => {
    const result = statusOf(status.NOT_FOUND, "Cannot get", { reason: "ORDER_NOT_FOUND", debug: "d".repeat(3_000) });
    for (const key of ["a", "b", "c"]) result.metadata.set(key, key.repeat(2_000));
    const trailers = new Metadata();
    trailers.merge(result.metadata);
    const fake = new FakeServerCall(statusGuard()).start();
    fake.call.sendStatus({ ...result, metadata: trailers });
    expect(fake.status.code).toBe(status.NOT_FOUND);
    expect(Object.keys(fake.status.metadata.toJSON())).toEqual([STATUS_DETAILS_KEY, "a"]);
  });

  test("says what it left out", () => {
    const events: StatusGuardEvent[] = [];
    const fake = new FakeServerCall(statusGuard({ observe: (event) => events.push(event) })).start();
    fake.end(status.OK, "", { "grpc-message": "x", fine: "y" });
    expect(fake.status.metadata.toJSON()).toEqual({ fine: ["y"] });
    expect(events).toEqual([{ type: "mended", path: "/test.v1.Test/Get", what: "metadata grpc-message" }]);
  });

  test("D5: drops the library's DEADLINE_EXCEEDED where its timeout has wrapped around, and nothing else", () => {
    const clock = new ManualClock();
    const options = { deadline: clock.now() - 5_000, requestStream: true };
    const fake = new FakeServerCall(statusGuard({}, { clock }), options).start();
    fake.base.sendStatus({ code: status.DEADLINE_EXCEEDED, details: "Deadline exceeded" });
    expect(fake.client.statuses).toEqual([]);
    fake.base.sendStatus({ code: status.INTERNAL, details: "" });
    expect(fake.status.code).toBe(status.INVALID_ARGUMENT);
  });

  test("an explanation of one's own takes the place of the default", () => {
    const explain = () => ({ code: status.DATA_LOSS, text: "Mine", details: { reason: "MINE" } });
    const fake = new FakeServerCall(statusGuard({ explain })).start().receive("x").end(status.NOT_FOUND, "yours");
    expect(fake.status).toMatchObject({ code: status.DATA_LOSS, details: "Mine" });
  });

  test("E7: an explanation that throws, and an observer that throws, still leave a status", () => {
    const fail = () => {
      throw new Error("boom");
    };
    const fake = new FakeServerCall(statusGuard({ explain: fail, observe: fail })).start();
    fake.end(status.NOT_FOUND, "x");
    expect(fake.status.code).toBe(status.INTERNAL);
  });

  test("E7: a wire that throws at a status gets a bare one, and a wire that throws at everything ends nothing else", () => {
    const fake = new FakeServerCall([]);
    const sent: (status | undefined)[] = [];
    fake.base.sendStatus = ({ code }) => {
      sent.push(code);
      throw new Error("The stream is broken");
    };
    const method = { path: "/a/B", requestStream: false, responseStream: false } as never;
    const guardedCall = statusGuard()(method, fake.base);
    guardedCall.sendStatus({ code: status.OK, details: "OK" });
    guardedCall.sendStatus({ code: status.OK, details: "OK" });
    expect(sent).toEqual([status.OK, status.INTERNAL]);
  });
});

describe("explainStatus()", () => {
  test.each([
    [status.RESOURCE_EXHAUSTED, "reading", status.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE"],
    [status.RESOURCE_EXHAUSTED, "sending", status.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE"],
    [status.UNIMPLEMENTED, "reading", status.UNIMPLEMENTED, "UNIMPLEMENTED"],
    [status.DEADLINE_EXCEEDED, "reading", status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"],
    [status.INTERNAL, "reading", status.INVALID_ARGUMENT, "MALFORMED_REQUEST"],
    [status.INTERNAL, "sending", status.INTERNAL, "INTERNAL"],
    [status.UNIMPLEMENTED, "counting", status.INVALID_ARGUMENT, "MALFORMED_REQUEST"],
    [status.UNKNOWN, "handling", status.INTERNAL, "INTERNAL"],
    [status.NOT_FOUND, "handling", undefined, undefined],
  ] as const)("E1: %s while %s", (code, origin, expected, reason) => {
    const found = explainStatus({ code, origin, path: "/a/B", requestId: "" });
    expect([found?.code, found?.details.reason]).toEqual([expected, reason]);
  });
});
