// SPDX-License-Identifier: MIT
import { once } from "node:events";
import { connect } from "node:http2";
import { Metadata, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { rawClient } from "../testing/raw-server.ts";
import { call, encode, serve, service, statusOf } from "../testing/served-handlers.ts";
import { StatusError } from "./errors.ts";

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

describe("defineHandlers(), streams and callers that go away", () => {
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
});
