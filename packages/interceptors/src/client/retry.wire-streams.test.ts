// SPDX-License-Identifier: MIT
import { once } from "node:events";
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { type Answer, call, fail, failOnce, statusOf, succeed, wire } from "../testing/retried-on-the-wire.ts";

describe("retry() on the wire, of streams and answers that have begun", () => {
  test("R6: nothing is sent again once headers have arrived", async () => {
    await using server = await wire((stream) => {
      stream.sendMetadata(new Metadata());
      fail(stream, status.UNAVAILABLE);
    });
    expect((await call(server)).error?.code).toBe(status.UNAVAILABLE);
    expect(server.arrived).toHaveLength(1);
    expect(server.events).toMatchObject([{ kind: "stopped", why: "committed" }]);
  });

  test("R6: unless headers of a unary call may wait for its message", async () => {
    const answer: Answer = (stream, index) => {
      stream.sendMetadata(new Metadata());
      failOnce()(stream, index);
    };
    await using server = await wire(answer, { commitOn: "message" });
    expect((await call(server)).error).toBeNull();
    expect(server.arrived).toHaveLength(2);
  });

  test("R7: a stream of 40 messages is sent again from the first one, in order", async () => {
    const sent = Array.from({ length: 40 }, (_, n) => String(n));
    await using server = await wire((stream, index) => {
      if (index === 0) stream.once("data", () => setImmediate(() => fail(stream, status.UNAVAILABLE)));
      else stream.on("end", () => succeed(stream));
    });
    const stream = server.client.open("Get", new Metadata());
    const received: string[] = [];
    stream.on("data", (bytes: Buffer) => received.push(bytes.toString()));
    for (const message of sent) stream.write(Buffer.from(message));
    stream.end();
    await once(stream, "end");
    expect(received).toEqual(["world"]);
    expect(server.arrived).toHaveLength(2);
    expect(server.arrived[1]?.messages).toEqual(sent);
  });

  test("R7: 1 MiB is too much to keep: it all arrives once, and is not sent again", async () => {
    await using server = await wire((stream) => {
      let bytes = 0;
      stream.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes === 1_048_576) fail(stream, status.UNAVAILABLE);
      });
    });
    const stream = server.client.open("Get", new Metadata()).resume();
    const ended = statusOf(stream);
    for (let n = 0; n < 64; n++) stream.write(Buffer.alloc(16_384));
    expect(await ended).toBe(status.UNAVAILABLE);
    expect(server.arrived).toHaveLength(1);
    expect(server.events).toMatchObject([{ why: "committed" }]);
  });

  test("R7: a server stream is repeated before its first message, and never after", async () => {
    await using server = await wire((stream, index) => {
      if (index === 0) return fail(stream, status.UNAVAILABLE);
      for (const message of ["a", "b", "c"]) stream.write(Buffer.from(message));
      setImmediate(() => fail(stream, status.UNAVAILABLE));
    });
    const stream = server.client.open("Get", new Metadata());
    const received: string[] = [];
    stream.on("data", (bytes: Buffer) => received.push(bytes.toString())).end();
    expect(await statusOf(stream)).toBe(status.UNAVAILABLE);
    expect(received).toEqual(["a", "b", "c"]);
    expect(server.arrived).toHaveLength(2);
  });
});
