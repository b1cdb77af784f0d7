// SPDX-License-Identifier: MIT
import { once } from "node:events";
import { createServer, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";

/** What the peer does with a stream, by the path of its method. */
export type OnStream = (stream: ServerHttp2Stream, path: string) => void;

/** Answers with a message and OK, as gRPC wants it. */
export function answer(stream: ServerHttp2Stream, message: Buffer, end = true): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  stream.write(Buffer.concat([prefix, message]));
  if (end) stream.end();
}

const SERVING = Buffer.from([0x08, 1]);

/** SERVING, to Check and to Watch; everything else is answered at once. */
export const wellBehaved: OnStream = (stream, path) => answer(stream, SERVING, !path.endsWith("/Watch"));

/** An HTTP/2 server on loopback that lives whatever it does with its streams. */
export async function http2Peer(maxConcurrentStreams: number, onStream: OnStream) {
  const sessions = new Set<Http2Session>();
  const authorities = new Set<string>();
  let connections = 0;
  let streams = 0;
  let current = onStream;
  const sockets = new Set<Socket>();
  const server = createServer({ settings: { maxConcurrentStreams } });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("session", (session) => {
    connections++;
    sessions.add(session);
    session.on("close", () => sessions.delete(session)).on("error", () => undefined);
  });
  server.on("stream", (stream, headers) => {
    streams++;
    authorities.add(`${headers[":path"]} ${headers[":authority"]}`);
    // The client may have gone.
    stream.on("error", () => undefined).resume();
    current(stream, String(headers[":path"]));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    address: `127.0.0.1:${port}`,
    /** Each path with the `:authority` that it came with. */
    authorities,
    get connections() {
      return connections;
    },
    /** How many of them there are now. */
    get open() {
      return sessions.size;
    },
    /** How many there were. */
    get streams() {
      return streams;
    },
    /** Ends every connection without a word, as a process does that is killed; new ones work. */
    cut(): void {
      for (const socket of sockets) socket.destroy();
    },
    /** Ends every connection as a server does that finds it too old: GOAWAY, and what is under way ends first. */
    goAway(): void {
      for (const session of sessions) session.close();
    },
    become(next: OnStream): void {
      current = next;
    },
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
