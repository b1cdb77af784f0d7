// SPDX-License-Identifier: MIT
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { detailsOf, type StatusDetails } from "../status.ts";
import { metadataOf } from "../testing/client-call.ts";
import { call, type codec, echo, type Name, serve, service } from "../testing/served-handlers.ts";
import {
  type DefineHandlersOptions,
  defineHandlers,
  type HandlerCall,
  type HandlerFailure,
  type Handlers,
  StatusError,
} from "./errors.ts";

const names = Object.keys(service) as Name[];

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

function fail(): never {
  throw new Error("boom");
}

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
