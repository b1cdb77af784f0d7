import { once } from "node:events";
import { connect } from "node:http2";
import { type ClientDuplexStream, Metadata, Server, ServerCredentials, type StatusObject, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { newContext } from "../context.ts";
import { detailsOf, type StatusDetails } from "../status.ts";
import { metadataOf } from "../testing/client-call.ts";
import { rawClient } from "../testing/raw-server.ts";
import {
  type DefineHandlersOptions,
  defineHandlers,
  type ErrorTable,
  fromTable,
  type HandlerCall,
  type HandlerFailure,
  type Handlers,
  StatusError,
  toStatus,
  toStatusError,
} from "./errors.ts";

const encode = (text: string): Buffer => Buffer.from(text);
const decode = (bytes: Buffer): string => bytes.toString();
const codec = {
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
};
const service = {
  Get: { path: "/test.v1.Test/Get", requestStream: false, responseStream: false, ...codec },
  List: { path: "/test.v1.Test/List", requestStream: false, responseStream: true, ...codec },
  Import: { path: "/test.v1.Test/Import", requestStream: true, responseStream: false, ...codec },
  Chat: { path: "/test.v1.Test/Chat", requestStream: true, responseStream: true, ...codec },
} as const;
type Name = keyof typeof service;
const names = Object.keys(service) as Name[];

const echo: Handlers<typeof service> = {
  Get: async (request) => `${request}!`,
  async *List(request) {
    for (const letter of request) yield letter;
  },
  async Import(requests) {
    let all = "";
    for await (const each of requests) all += each;
    return all;
  },
  async *Chat(requests) {
    for await (const each of requests) yield `${each}!`;
  },
};

async function serve(handlers: Partial<Handlers<typeof service>>, options: DefineHandlersOptions = {}) {
  const server = new Server();
  server.addService(service, defineHandlers(service, { ...echo, ...handlers }, options));
  const { promise: port, resolve } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, bound) => resolve(bound));
  const target = `127.0.0.1:${await port}`;
  return { target, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

/** Sends the messages, reads to the end. */
async function call(target: string, name: Name, messages = ["ab"]): Promise<StatusObject & { received: string[] }> {
  using client = rawClient(target);
  const stream = client.open(name, new Metadata(), { deadline: Date.now() + 5_000 });
  const received: string[] = [];
  stream.on("data", (bytes: Buffer) => received.push(bytes.toString()));
  for (const each of messages) stream.write(encode(each));
  stream.end();
  return { ...(await statusOf(stream)), received };
}

function statusOf(stream: ClientDuplexStream<Buffer, Buffer>): Promise<StatusObject> {
  return new Promise((resolve) => stream.on("error", () => "in the status too").on("status", resolve));
}

/** All four handlers, each throwing this. */
function throwing(error: unknown): Handlers<typeof service> {
  const fail = () => {
    throw error;
  };
  return {
    Get: async () => fail(),
    Import: async () => fail(),
    List: () => failing(error),
    Chat: () => failing(error),
  };
}
async function* failing(error: unknown): AsyncGenerator<string> {
  yield "first";
  throw error;
}

const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note).on("uncaughtException", note);
});
afterEach(() => {
  vi.unstubAllEnvs();
  process.off("unhandledRejection", note).off("uncaughtException", note);
  expect(unhandled).toEqual([]);
});

describe("defineHandlers()", () => {
  test.each([
    ["Get", ["ab!"]],
    ["List", ["a", "b"]],
    ["Import", ["ab"]],
    ["Chat", ["ab!"]],
  ] as const)("answers %s", async (name, expected) => {
    await using server = await serve({});
    expect(await call(server.target, name)).toMatchObject({ code: status.OK, received: expected });
  });

  const details: StatusDetails = {
    reason: "CARD_DECLINED",
    domain: "payment.example",
    metadata: { transaction_id: "txn_1" },
    retryAfterMs: 250,
    violations: [{ field: "amount", description: "must be above 0" }],
    resource: { type: "Transaction", name: "txn_1" },
    precondition: { type: "STATE", subject: "txn_1" },
    requestId: "req-12345678",
  };
  const failures = Array.from({ length: 16 }, (_, index) => (index + 1) as Exclude<status, status.OK>);

  test.each(failures)(
    "E5: code %i and its details make it from a handler to the client, in every shape",
    async (code) => {
      const error = new StatusError(code, 'Cannot charge "txn_1": 😀', details);
      await using server = await serve(throwing(error));
      for (const name of names) {
        const result = await call(server.target, name);
        expect(result).toMatchObject({ code, details: 'Cannot charge "txn_1": 😀' });
        expect(detailsOf(result.metadata)).toEqual(details);
        expect(result.received).toEqual(service[name].responseStream ? ["first"] : []);
      }
    },
  );

  test("E5: code 0 and the handler's trailers make it to the client, in every shape", async () => {
    const answer = async (_: unknown, own: HandlerCall) => {
      own.sendHeaders(metadataOf({ early: "yes" }));
      own.trailers.set("late", "yes");
      return "ok";
    };
    async function* stream(request: unknown, own: HandlerCall) {
      yield await answer(request, own);
    }
    await using server = await serve({ Get: answer, Import: answer, List: stream, Chat: stream });
    for (const name of names) {
      const result = await call(server.target, name);
      expect(result).toMatchObject({ code: status.OK, received: ["ok"] });
      expect(result.metadata.get("late")).toEqual(["yes"]);
    }
  });

  test.each([
    ["an error", new Error("select * from secrets")],
    ["a string", "select * from secrets"],
    ["nothing", undefined],
    ["half a character", new Error("😀".slice(0, 1))],
    ["an error that throws when looked at", Object.defineProperty(new Error("x"), "code", { get: () => fail() })],
  ])("E7: %s that is thrown is INTERNAL, and its text stays here", async (_, error) => {
    const seen: HandlerFailure[] = [];
    await using server = await serve(throwing(error), { observe: (each) => seen.push(each) });
    for (const name of names) {
      const result = await call(server.target, name);
      expect(result).toMatchObject({ code: status.INTERNAL, details: "Internal error" });
      expect(detailsOf(result.metadata)).toMatchObject({
        reason: "INTERNAL",
        requestId: seen.at(-1)?.context.requestId,
      });
      expect(JSON.stringify([result.details, result.metadata.toJSON()])).not.toContain("secrets");
      expect(seen.at(-1)).toMatchObject({ path: service[name].path, error });
    }
  });

  test("E7: a handler that throws at once, and one that returns what it should not, are INTERNAL", async () => {
    const broken = {
      Get: () => fail(),
      List: () => fail(),
      Import: async () => undefined as unknown as string,
      Chat: () => 7 as unknown as AsyncIterable<string>,
    };
    await using server = await serve(broken);
    for (const name of names) expect(await call(server.target, name)).toMatchObject({ code: status.INTERNAL });
  });

  test("E7: an observer that throws changes nothing", async () => {
    const { promise: warned, resolve } = Promise.withResolvers<Error>();
    process.once("warning", resolve);
    await using server = await serve(throwing(new Error("x")), { observe: fail });
    expect(await call(server.target, "Get")).toMatchObject({ code: status.INTERNAL });
    expect((await warned).message).toBe("boom");
  });

  test("E1: DebugInfo goes to a caller that may see it, and to nobody in production", async () => {
    const debugOf = async (options: DefineHandlersOptions) => {
      await using server = await serve(throwing(new Error("inside")), options);
      return detailsOf((await call(server.target, "Get")).metadata)?.debug;
    };
    expect(await debugOf({ production: false, mayDebug: () => true })).toContain("inside");
    expect(await debugOf({ production: false })).toBeUndefined();
    expect(await debugOf({ production: true, mayDebug: () => true })).toBeUndefined();
  });

  test.each([
    ["production", "development", undefined],
    ["development", "production", expect.stringContaining("inside")],
    [undefined, "production", expect.stringContaining("inside")],
  ])(
    "E1: NODE_ENV is %s when the handlers are defined; that it is %s later changes nothing",
    async (first, later, seen) => {
      vi.stubEnv("NODE_ENV", first);
      await using server = await serve(throwing(new Error("inside")), { mayDebug: () => true });
      vi.stubEnv("NODE_ENV", later);
      expect(detailsOf((await call(server.target, "Get")).metadata)?.debug).toEqual(seen);
    },
  );

  test("a caller that goes away aborts the signal; a normal end does not", async () => {
    const { promise: signal, resolve } = Promise.withResolvers<AbortSignal>();
    const { promise: ended, resolve: end } = Promise.withResolvers<AbortSignal>();
    await using server = await serve({
      Get: async (_, own) => {
        resolve(own.signal);
        await once(own.signal, "abort");
        return "to nobody";
      },
      Import: async (_, own) => {
        end(own.signal);
        return "ok";
      },
    });
    await call(server.target, "Import");
    using client = rawClient(server.target);
    const stream = client.open("Get", new Metadata()).on("error", () => "cancelled");
    stream.end(encode("x"));
    const waiting = await signal;
    stream.cancel();
    await expect.poll(() => waiting.aborted).toBe(true);
    expect(waiting.reason).toMatchObject({ name: "AbortError" });
    expect((await ended).aborted).toBe(false);
  });

  test("a reader that stalls stops the generator, and one that goes away ends it, with no listener left", async () => {
    let made = 0;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    await using server = await serve({
      async *List() {
        try {
          while (true) yield String((made += 1)).padEnd(10_000);
        } finally {
          end();
        }
      },
    });
    using client = rawClient(server.target);
    const stream = client.open("List", new Metadata()).on("error", () => "cancelled");
    stream.end(encode("x"));
    stream.once("data", () => stream.pause());
    await expect.poll(() => made).toBeGreaterThan(5);
    // Until it has stood still for a while.
    const before = { made: -1 };
    const stoodStill = () => before.made === made || ((before.made = made), false);
    await expect.poll(stoodStill, { interval: 200, timeout: 5_000 }).toBe(true);
    expect(made).toBeLessThan(200);
    stream.cancel();
    await ended;
  });

  test("the messages of a client whose connection breaks end with AbortError in the handler, not as if complete", async () => {
    const { promise: thrown, resolve } = Promise.withResolvers<unknown>();
    const { promise: first, resolve: receive } = Promise.withResolvers<string>();
    await using server = await serve({
      async Import(requests) {
        try {
          for await (const each of requests) receive(each);
        } catch (error) {
          resolve(error);
        }
        return "to nobody";
      },
    });
    const session = connect(`http://${server.target}`);
    const headers = {
      ":method": "POST",
      ":path": service.Import.path,
      "content-type": "application/grpc",
      te: "trailers",
    };
    const stream = session.request(headers).on("error", () => "broken");
    // One message: not compressed, four bytes of length, the text.
    stream.write(Buffer.from([0, 0, 0, 0, 1, ...encode("x")]));
    expect(await first).toBe("x");
    session.destroy();
    expect(await thrown).toMatchObject({ name: "AbortError" });
  });

  test("a handler may answer without reading, and fail while it waits for the next message", async () => {
    await using server = await serve({
      Import: async () => "early",
      async *Chat(requests) {
        const reading = requests[Symbol.asyncIterator]();
        void reading.next().then(() => reading.next());
        yield "first";
        throw new StatusError(status.ABORTED, "x", { reason: "X" });
      },
    });
    using client = rawClient(server.target);
    const early = client.open("Import", new Metadata());
    expect(await statusOf(early.resume())).toMatchObject({ code: status.OK });
    const chat = client.open("Chat", new Metadata(), { deadline: Date.now() + 5_000 });
    chat.write(encode("x"));
    expect(await statusOf(chat.resume())).toMatchObject({ code: status.ABORTED });
  });

  test("takes definitions whose types do not say whether they stream, as proto-loader's", async () => {
    const loaded: Record<string, { path: string; requestStream: boolean; responseStream: boolean } & typeof codec> =
      service;
    const handlers = defineHandlers(loaded, { ...echo });
    expect(Object.keys(handlers)).toEqual(names);
  });

  test("cannot be built without all handlers", () => {
    expect(() => defineHandlers(service, { ...echo, Get: undefined as never })).toThrow(/Get must be a function/);
  });
});

function fail(): never {
  throw new Error("boom");
}

/** A union of domain errors, as a service has it. */
type DomainError = { kind: "order_not_found"; orderId: string } | { kind: "price_changed"; sku: string };
const table: ErrorTable<DomainError> = {
  order_not_found: ({ orderId }) =>
    new StatusError(status.NOT_FOUND, `Cannot get "${orderId}"`, { reason: "ORDER_NOT_FOUND", metadata: { orderId } }),
  price_changed: ({ sku }) =>
    new StatusError(status.FAILED_PRECONDITION, `Cannot sell "${sku}"`, { reason: "PRICE_CHANGED" }),
};

describe("toStatus()", () => {
  const known = fromTable(table);
  const read = (error: unknown, options = {}) => {
    const result = toStatus(error, { requestId: "req-12345678", known, ...options });
    return { code: result.code, text: result.details, ...detailsOf(result.metadata) };
  };

  test("E1: goes by the table of domain errors", () => {
    expect(read({ kind: "order_not_found", orderId: "ord_1" })).toMatchObject({
      code: status.NOT_FOUND,
      reason: "ORDER_NOT_FOUND",
      metadata: { orderId: "ord_1" },
    });
    expect(read(Object.assign(new Error("x"), { kind: "price_changed", sku: "s" })).reason).toBe("PRICE_CHANGED");
  });

  test("E1: a kind that is missing from the table is an error of types", () => {
    // @ts-expect-error: price_changed is missing
    const incomplete: ErrorTable<DomainError> = { order_not_found: table.order_not_found };
    expect(fromTable(incomplete)({ kind: "price_changed", sku: "s" })).toBeUndefined();
  });

  test.each([["toString"], ["constructor"], ["no_such"], [7]])("E1: kind %s of nobody's table is INTERNAL", (kind) => {
    expect(known({ kind })).toBeUndefined();
    expect(read({ kind })).toMatchObject({ code: status.INTERNAL, reason: "INTERNAL", requestId: "req-12345678" });
  });

  test("E1: what is unknown says nothing but the request id, or what the option says", () => {
    expect(read(new Error("sql"))).toEqual({
      code: status.INTERNAL,
      text: "Internal error",
      reason: "INTERNAL",
      domain: "type.ecommerce",
      metadata: {},
      requestId: "req-12345678",
    });
    const internal = (id: string) => ({ reason: "INTERNAL", metadata: { correlation_id: id } });
    expect(read(new Error("sql"), { internal }).metadata).toEqual({ correlation_id: "req-12345678" });
  });

  test("E1: never throws, whatever it gets", () => {
    const hostile = new Proxy(new Error("x"), {
      get: fail,
      getPrototypeOf: fail,
      has: fail,
    });
    for (const each of [null, undefined, 0, Symbol("x"), {}, [], () => 1, hostile, Object.create(null)]) {
      expect(read(each).code).toBe(status.INTERNAL);
    }
    expect(
      read({
        kind: "order_not_found",
        get orderId() {
          return fail();
        },
      }).code,
    ).toBe(status.INTERNAL);
  });

  const downstream = (code: number) =>
    Object.assign(new Error("5 NOT_FOUND: inside"), {
      code,
      details: "inside",
      metadata: metadataOf({ "grpc-retry-pushback-ms": "7", secret: "x" }),
    });
  const kept: Record<number, [status, string]> = {
    [status.UNAVAILABLE]: [status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"],
    [status.RESOURCE_EXHAUSTED]: [status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"],
    [status.DEADLINE_EXCEEDED]: [status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"],
    [status.CANCELLED]: [status.CANCELLED, "CANCELLED"],
  };

  test.each(Array.from({ length: 17 }, (_, code) => code))(
    "E4: code %i of a service further down is translated, with nothing else of it",
    (code) => {
      const error = downstream(code);
      const result = toStatus(error, { requestId: "req-12345678" });
      expect([result.code, detailsOf(result.metadata)?.reason]).toEqual(kept[code] ?? [status.INTERNAL, "INTERNAL"]);
      expect(result.details).not.toContain("inside");
      expect(Object.keys(result.metadata.toJSON())).toEqual(["grpc-status-details-bin"]);
      expect(detailsOf(result.metadata)?.retryAfterMs).toBeUndefined();
      expect(toStatusError(error).cause).toBe(error);
    },
  );

  test("E4: what the handler throws on purpose is passed on", () => {
    const error = new StatusError(status.NOT_FOUND, "Cannot get", { reason: "X" }, { cause: downstream(5) });
    expect(read(error)).toMatchObject({ code: status.NOT_FOUND, reason: "X" });
  });

  test("E4: a number that is no status, of a DOMException, is INTERNAL", () => {
    expect(new DOMException("x", "NotFoundError").code).toBe(status.RESOURCE_EXHAUSTED);
    expect(read(new DOMException("x", "NotFoundError")).code).toBe(status.INTERNAL);
    expect(read(Object.assign(new Error("x"), { code: "14" })).code).toBe(status.INTERNAL);
  });

  test("what is thrown because the signal was aborted is why it was", () => {
    const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: true };
    const abortedBy = (reason: Error) => {
      const context = newContext({ requestId: "req-12345678", trace });
      context.cancel(reason);
      return context.signal;
    };
    const late = abortedBy(new DOMException("x", "TimeoutError"));
    const gone = abortedBy(new DOMException("x", "AbortError"));
    const abort = new DOMException("This operation was aborted", "AbortError");
    expect(read(abort, { signal: late }).code).toBe(status.DEADLINE_EXCEEDED);
    expect(read(abort, { signal: gone }).code).toBe(status.CANCELLED);
    expect(read(late.reason, { signal: late }).code).toBe(status.DEADLINE_EXCEEDED);
    expect(read(abort, { signal: new AbortController().signal }).code).toBe(status.INTERNAL);
    expect(read(new Error("x"), { signal: gone }).code).toBe(status.INTERNAL);
  });
});
