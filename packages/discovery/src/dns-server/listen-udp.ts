// SPDX-License-Identifier: MIT
/**
 * Copy:    dns-server/listen-udp.ts
 * Place:   under cluster-dns.ts: one listener for DNS over UDP.
 * Does:    answers each datagram to where it came from.
 * Doesn't: know DNS; limit the rate; repeat an answer that got lost (clients ask again).
 * With:    dns-server/on-one-port.ts
 * Source:  RFC 1035 section 4.2.1.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { Listener } from "./on-one-port.ts";

export interface ListenUdpOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Undefined: no answer. */
  readonly respond: (query: Uint8Array) => Uint8Array | undefined;
  readonly observe?: ((event: { readonly kind: "socket error"; readonly error: Error }) => void) | undefined;
}

/** Rejects if the port is taken. */
export async function listenUdp({ host, port, respond, observe }: ListenUdpOptions): Promise<Listener> {
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  const failed = (error: Error | null): void => {
    if (error !== null) observe?.({ kind: "socket error", error });
  };
  socket.on("message", (message, sender) => {
    const response = respond(message);
    // Nobody listens at port 0, and sending there throws.
    if (response === undefined || sender.port === 0) return;
    socket.send(response, sender.port, sender.address, failed);
  });
  try {
    socket.bind(port, host);
    await once(socket, "listening");
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on("error", failed);

  let closed: Promise<unknown> | undefined;
  return {
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      if (closed === undefined) {
        closed = once(socket, "close");
        socket.close();
      }
      await closed;
    },
  };
}
