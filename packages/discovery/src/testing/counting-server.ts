// SPDX-License-Identifier: MIT
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";

const asIs = (bytes: Buffer): Buffer => bytes;

/** The method of every {@link countingServer}: answers after as many milliseconds as the request says. */
export const WAIT_METHOD = "/test.v1.Test/Wait";

/** A real grpc-js server on loopback that counts its connections and calls. */
export async function countingServer(port = 0, host = "127.0.0.1") {
  const grpc = new Server();
  const counts = { calls: 0, connections: 0, authority: "" };
  grpc.addService(
    {
      wait: {
        path: WAIT_METHOD,
        requestStream: false,
        responseStream: false,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    },
    {
      wait(call: ServerUnaryCall<Buffer, Buffer>, done: (error: null, response: Buffer) => void) {
        counts.calls += 1;
        counts.authority = call.getHost();
        setTimeout(() => done(null, call.request), Number(call.request.toString()));
      },
    },
  );
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    counts.connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  listener.listen(port, host);
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new TypeError(`Cannot listen on ${String(address)}`);
  return {
    counts,
    port: address.port,
    [Symbol.asyncDispose]: async (): Promise<void> => {
      injector.destroy();
      grpc.forceShutdown();
      for (const socket of sockets) socket.destroy();
      listener.close();
    },
  };
}
