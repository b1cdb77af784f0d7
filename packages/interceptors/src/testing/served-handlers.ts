// SPDX-License-Identifier: MIT
import { type ClientDuplexStream, Metadata, Server, ServerCredentials, type StatusObject } from "@grpc/grpc-js";
import { type DefineHandlersOptions, defineHandlers, type Handlers } from "../server/errors.ts";
import { rawClient } from "./raw-server.ts";

/** Messages are texts. */
export const encode = (text: string): Buffer => Buffer.from(text);
const decode = (bytes: Buffer): string => bytes.toString();
/** Both directions of all methods. */
export const codec = {
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
};
/** One method of each shape. */
export const service = {
  Get: { path: "/test.v1.Test/Get", requestStream: false, responseStream: false, ...codec },
  List: { path: "/test.v1.Test/List", requestStream: false, responseStream: true, ...codec },
  Import: { path: "/test.v1.Test/Import", requestStream: true, responseStream: false, ...codec },
  Chat: { path: "/test.v1.Test/Chat", requestStream: true, responseStream: true, ...codec },
} as const;
export type Name = keyof typeof service;

/** Handlers that answer with what they were asked. */
export const echo: Handlers<typeof service> = {
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

/** A server of these handlers, and of echo's where they are missing. */
export async function serve(handlers: Partial<Handlers<typeof service>>, options: DefineHandlersOptions = {}) {
  const server = new Server();
  server.addService(service, defineHandlers(service, { ...echo, ...handlers }, options));
  const { promise: port, resolve } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, bound) => resolve(bound));
  const target = `127.0.0.1:${await port}`;
  return { target, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

/** Sends the messages, reads to the end. */
export async function call(
  target: string,
  name: Name,
  messages = ["ab"],
): Promise<StatusObject & { received: string[] }> {
  using client = rawClient(target);
  const stream = client.open(name, new Metadata(), { deadline: Date.now() + 5_000 });
  const received: string[] = [];
  stream.on("data", (bytes: Buffer) => received.push(bytes.toString()));
  for (const each of messages) stream.write(encode(each));
  stream.end();
  return { ...(await statusOf(stream)), received };
}

/** What a stream ends with. */
export function statusOf(stream: ClientDuplexStream<Buffer, Buffer>): Promise<StatusObject> {
  return new Promise((resolve) => stream.on("error", () => "in the status too").on("status", resolve));
}
