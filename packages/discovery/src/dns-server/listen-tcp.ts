// SPDX-License-Identifier: MIT
/**
 * Copy:    dns-server/listen-tcp.ts
 * Place:   under cluster-dns.ts: one listener for DNS over TCP.
 * Does:    answers the queries of each connection in their order. A client that is slow, silent or sends what is no query
 *          loses its connection; of too many, the one that has been of no use for longest makes room, so that clients
 *          that only hold connections open keep nobody out.
 * Doesn't: answer out of order; count connections per client.
 * With:    clock.ts, dns-server/on-one-port.ts
 * Source:  RFC 7766 (DNS over TCP), RFC 1035 section 4.2.2 (two bytes of length before each message).
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Clock, systemClock, type Timer } from "../clock.ts";
import type { Listener } from "./on-one-port.ts";

export interface ListenTcpOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Undefined: the connection ends, since its client could not tell which query goes without an answer. */
  readonly respond: (query: Uint8Array) => Uint8Array | undefined;
  readonly maxConnections: number;
  /** Longest time between two whole queries, and until the first. Unit: milliseconds. */
  readonly idleTimeoutMs: number;
  readonly observe?: ((event: TcpEvent) => void) | undefined;
}

/** `refused`: sent what is no query. `evicted`: made room for a newer one. */
export type TcpEvent =
  | { readonly kind: "tcp dropped"; readonly why: "idle" | "evicted" | "refused" }
  | { readonly kind: "socket error"; readonly error: Error };

/** No query is longer, EDNS options included. */
const MAX_QUERY_BYTES = 4_096;
const LENGTH_BYTES = 2;

/** Rejects if the port is taken. Its disposal ends all connections. */
export async function listenTcp(
  options: ListenTcpOptions,
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<Listener> {
  const { host, port, maxConnections, idleTimeoutMs, observe } = options;
  /** The one whose last query is longest ago comes first. */
  const connections = new Map<Socket, Timer>();

  function keep(socket: Socket): void {
    forget(socket);
    const timer = clock.setTimeout(() => drop(socket, "idle"), idleTimeoutMs);
    connections.set(socket, timer);
  }

  function forget(socket: Socket): void {
    connections.get(socket)?.cancel();
    connections.delete(socket);
  }

  function drop(socket: Socket, why: "idle" | "evicted" | "refused"): void {
    forget(socket);
    socket.destroy();
    observe?.({ kind: "tcp dropped", why });
  }

  const server = createServer({ noDelay: true }, (socket) => {
    const [longestIdle] = connections.keys();
    if (longestIdle !== undefined && connections.size >= maxConnections) drop(longestIdle, "evicted");
    keep(socket);
    socket.once("close", () => forget(socket));
    socket.on("error", (error) => observe?.({ kind: "socket error", error }));
    serve(socket);
  });

  function serve(socket: Socket): void {
    let rest = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      // One query at a time: who sends many and reads nothing makes the server hold one answer, and no more queries.
      socket.pause();
      next();
    });

    function next(): void {
      const end = LENGTH_BYTES + (rest.length < LENGTH_BYTES ? 0 : rest.readUInt16BE(0));
      if (end > LENGTH_BYTES + MAX_QUERY_BYTES) return drop(socket, "refused");
      if (rest.length < end || rest.length < LENGTH_BYTES) return void socket.resume();
      const response = options.respond(rest.subarray(LENGTH_BYTES, end));
      if (response === undefined) return drop(socket, "refused");
      rest = rest.subarray(end);
      keep(socket);
      socket.write(framed(response), (error) => {
        if (!error) next();
      });
    }
  }

  server.listen(port, host);
  await once(server, "listening");
  server.on("error", (error) => observe?.({ kind: "socket error", error }));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      // The second time too: a server that is closed says so again.
      const closed = once(server, "close");
      server.close();
      for (const socket of connections.keys()) socket.destroy();
      await closed;
    },
  };
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + message.length);
  frame.writeUInt16BE(message.length);
  frame.set(message, LENGTH_BYTES);
  return frame;
}
