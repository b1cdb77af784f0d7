// SPDX-License-Identifier: MIT
import {
  Channel,
  Client,
  credentials,
  InterceptingCall,
  type Interceptor,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { type InterceptChannelOptions, interceptChannel } from "./intercept-channel.ts";

const asIs = (bytes: Buffer): Buffer => bytes;
type Handler = (call: ServerDuplexStream<Buffer, Buffer>) => void;

/** A server of one method of any shape, and a raw client whose calls go through the wrapper. */
async function connected(
  handler: Handler,
  interceptors: Interceptor[] = [],
  options: Partial<InterceptChannelOptions> & { responseStream?: boolean } = {},
) {
  const server = new Server();
  const path = "/test.v1.Test/Call";
  const codec = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  server.addService({ Call: { path, requestStream: true, responseStream: true, ...codec } }, { Call: handler });
  const { promise, resolve } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, port) => resolve(port));
  const channel = new Channel(`127.0.0.1:${await promise}`, credentials.createInsecure(), {});
  const { responseStream = false, ...rest } = options;
  const wrapped = interceptChannel(channel, interceptors, {
    methods: () => ({ requestStream: false, responseStream }),
    ...rest,
  });
  const client = new Client("", credentials.createInsecure(), { channelOverride: wrapped });
  const unary = (bytes: string) =>
    new Promise<{ answer: string } | { code: status }>((settle) => {
      client.makeUnaryRequest(path, asIs, asIs, Buffer.from(bytes), new Metadata(), (error, answer) =>
        settle(error === null ? { answer: String(answer) } : { code: error.code }),
      );
    });
  return {
    client,
    path,
    unary,
    async [Symbol.asyncDispose]() {
      client.close();
      server.forceShutdown();
    },
  };
}

const echo: Handler = (call) => {
  call.on("data", (bytes: Buffer) => call.write(bytes));
  call.on("end", () => call.end());
};

/** Makes a second attempt when the first one fails. */
const twice: Interceptor = (options, nextCall) => {
  let sent: unknown;
  return new InterceptingCall(nextCall(options), {
    start(metadata, listener, next) {
      next(metadata, {
        onReceiveMessage: (message: unknown) => {
          if (message !== null) listener.onReceiveMessage(message);
        },
        onReceiveStatus: (first: StatusObject) => {
          if (first.code === status.OK) return listener.onReceiveStatus(first);
          const second = nextCall(options);
          second.start(metadata, listener);
          second.sendMessage(sent);
          second.halfClose();
        },
      });
    },
    sendMessage(message, next) {
      sent = message;
      next(message);
    },
  });
};

describe("interceptChannel()", () => {
  test("passes a unary call through, in bytes", async () => {
    const seen: unknown[] = [];
    const watching: Interceptor = (options, nextCall) =>
      new InterceptingCall(nextCall(options), {
        sendMessage(message, next) {
          seen.push(message);
          next(message);
        },
      });
    await using made = await connected(echo, [watching]);
    expect(await made.unary("hello")).toEqual({ answer: "hello" });
    expect(seen).toEqual([Buffer.from("hello")]);
  });

  test("gives a unary call its error, and no message to parse", async () => {
    await using made = await connected((call) => call.emit("error", { code: status.NOT_FOUND, details: "none" }));
    expect(await made.unary("hello")).toEqual({ code: status.NOT_FOUND });
  });

  test("reads the answer of an attempt that an interceptor makes", async () => {
    let calls = 0;
    const failing: Handler = (call) => {
      calls += 1;
      if (calls > 1) return echo(call);
      call.emit("error", { code: status.UNAVAILABLE, details: "later" });
    };
    await using made = await connected(failing, [twice]);
    expect(await made.unary("again")).toEqual({ answer: "again" });
    expect(calls).toBe(2);
  });

  test("puts the caller's deadline on the wire, and hands back the status as the interceptors made it", async () => {
    let deadline: unknown;
    const said: StatusObject[] = [];
    const marking: Interceptor = (options, nextCall) =>
      new InterceptingCall(nextCall(options), {
        start: (metadata, _, next) =>
          next(metadata, { onReceiveStatus: (result, nextStatus) => nextStatus({ ...result, details: "marked" }) }),
      });
    const outgoing = { options: { deadline: Date.now() + 5_000 }, onStatus: (it: StatusObject) => void said.push(it) };
    const handler: Handler = (call) => {
      deadline = call.getDeadline();
      echo(call);
    };
    await using made = await connected(handler, [marking], { outgoing: () => outgoing });
    expect(await made.unary("hello")).toEqual({ answer: "hello" });
    expect(Math.abs(Number(deadline) - outgoing.options.deadline)).toBeLessThan(100);
    expect(said).toMatchObject([{ code: status.OK, details: "marked" }]);
  });

  test("streams both ways, and asks for a message only when its reader does", async () => {
    await using made = await connected(echo, [], { responseStream: true });
    const call = made.client.makeBidiStreamRequest(made.path, asIs, asIs, new Metadata());
    for (const bytes of ["a", "b", "c"]) call.write(Buffer.from(bytes));
    call.end();
    const received: string[] = [];
    for await (const bytes of call as AsyncIterable<Buffer>) received.push(String(bytes));
    expect(received).toEqual(["a", "b", "c"]);
  });

  test("a call that is cancelled before anything came back ends as cancelled", async () => {
    await using made = await connected(() => undefined, [], { responseStream: true });
    const call = made.client.makeBidiStreamRequest(made.path, asIs, asIs, new Metadata());
    const ended = new Promise<StatusObject>((resolve) => call.on("status", resolve));
    call.on("error", () => undefined);
    call.resume();
    call.cancel();
    expect((await ended).code).toBe(status.CANCELLED);
  });

  test("takes a method that it does not know for a stream", async () => {
    await using made = await connected(echo, [], { methods: () => undefined });
    expect(await made.unary("hello")).toEqual({ answer: "hello" });
  });
});
