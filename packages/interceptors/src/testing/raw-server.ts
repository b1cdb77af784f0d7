// SPDX-License-Identifier: MIT
import {
  Client,
  type ClientDuplexStream,
  credentials,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
} from "@grpc/grpc-js";

/** What every shape of method is for the test server: a stream of bytes each way. */
export type RawHandler = (call: ServerDuplexStream<Buffer, Buffer>) => void;

const asIs = (bytes: Buffer): Buffer => bytes;

/**
 * A real grpc-js server on a free port of loopback that hands over bytes: `/test.v1.Test/<name>` for each handler. What is
 * asserted about its `call.metadata`, `call.getDeadline()` and the like is asserted on the wire.
 */
export async function rawServer(
  handlers: Record<string, RawHandler>,
  options: ServerOptions = {},
): Promise<{ target: string; server: Server } & AsyncDisposable> {
  const server = new Server(options);
  const methods = Object.keys(handlers).map((name) => [
    name,
    {
      path: `/test.v1.Test/${name}`,
      requestStream: true,
      responseStream: true,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  ]);
  server.addService(Object.fromEntries(methods), handlers);
  const { promise: port, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
    error === null ? resolve(bound) : reject(error),
  );
  return {
    target: `127.0.0.1:${await port}`,
    server,
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

/** A bare client, for methods of any shape: bytes in, bytes out. */
export function rawClient(target: string, options: ConstructorParameters<typeof Client>[2] = {}) {
  const client = new Client(target, credentials.createInsecure(), options);
  return Object.assign(client, {
    open: (name: string, metadata: Metadata, callOptions = {}): ClientDuplexStream<Buffer, Buffer> =>
      client.makeBidiStreamRequest(`/test.v1.Test/${name}`, asIs, asIs, metadata, callOptions),
    [Symbol.dispose]: () => client.close(),
  });
}
